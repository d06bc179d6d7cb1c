import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@provability-fabric/storage';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Agent, ARTICLE, CUSTOMERS, MAIL, readAll } from './agent.fixture.ts';
import { buildPrograms, ROOT } from './built-programs.fixture.ts';
import { statementsIn, verify } from './evidence-in.fixture.ts';
import { Deployment, eventually, postgresIn, type Services, signalAll } from './fabric-services.fixture.ts';
import { get, token } from './http-client.fixture.ts';
import { compiledBundle, temporaryFolder } from './pf-process.fixture.ts';

// Two fabrics with data folders of their own on one database, set up as docs/how-to/share-a-ledger.md says.
const LEASE_MS = 3_000;

class Fabric {
  readonly deployment: Deployment;
  readonly #port: number;
  readonly #database: string;
  services!: Services;

  constructor(bundle: string, port: number, database: string) {
    this.#port = port;
    this.#database = database;
    this.deployment = new Deployment({ bundle });
    this.decidesUnder(bundle);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  decidesUnder(bundle: string): void {
    const lease = `session_lease: ${LEASE_MS / 1000}s`;
    this.deployment.configure([`bundle: ${bundle}`, `advertise: ${this.url}`, lease]);
  }

  async start(): Promise<void> {
    const env = { DATABASE_URL: this.#database };
    this.services = this.deployment.serve(['--listen', `127.0.0.1:${this.#port}`], { env });
    await this.services.url('ledger');
  }

  async agent(sid: string): Promise<Agent> {
    return new Agent(this.url, await token(this.deployment.data, { sid }));
  }

  async die(): Promise<void> {
    this.services.kill('SIGKILL');
    await this.services.ended;
  }
}

let postgres: EmbeddedPostgres;
let directory: string;
let a: Fabric;
let b: Fabric;
let highAssurance: string;

beforeAll(async () => {
  await buildPrograms();
  directory = join(temporaryFolder(), 'postgres');
  postgres = await startEmbeddedPostgres({ directory, emit: () => undefined });
  const bundle = await compiledBundle('quickstart');
  a = new Fabric(bundle, await freePort(), postgres.url);
  b = new Fabric(bundle, await freePort(), postgres.url);
  await a.start();
  // The first decision makes the tenant's record key.
  await (await a.agent('first')).act(ARTICLE);
  shareKeys(a.deployment, b.deployment);
  await b.start();
  const high = join(temporaryFolder(), 'high');
  cpSync(join(ROOT, 'bundles/quickstart'), high, { recursive: true });
  const yaml = join(high, 'bundle.yaml');
  const text = readFileSync(yaml, 'utf8');
  writeFileSync(yaml, text.replace('version: 1', 'version: 2\nassurance: high'));
  highAssurance = `${high}.json`;
  await a.deployment.pfctl('policy', 'compile', high, '--output', highAssurance);
});
afterEach(() => signalAll(postgresIn(directory), 'SIGCONT'));
afterAll(async () => {
  await Promise.all([a.services.stop(), b.services.stop()]);
  await postgres.stop();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function shareKeys(from: Deployment, to: Deployment): void {
  const [source, target] = [join(from.data, 'keys'), join(to.data, 'keys')];
  mkdirSync(target, { recursive: true, mode: 0o700 });
  const shared = readdirSync(source).filter((name) =>
    /^(?:ledger\..*|token\..*|record\..*\.key|evidence\..*\.vk)$/.test(name),
  );
  for (const name of shared) cpSync(join(source, name), join(target, name));
}

const LEAK = { status: 200, body: { effect: 'block', refusal: { code: 'LABEL_FLOW' } } };
const ALLOWED = { status: 200, body: { effect: 'allow' } };

/** The places of a session's certificates, as the ledger has them; `wanted` of them will come. */
async function placesOf(session: string, wanted: number, { services, deployment }: Fabric = b) {
  const ledger = await services.url('ledger');
  const auditor = await deployment.token('ledger', 'acme', 'auditor');
  const rows = await eventually(
    () => readAll(`${ledger}/permission-certificates?session=${session}`, auditor),
    (list) => list.length >= wanted,
  );
  return rows.map(({ seq }) => seq);
}

describe.sequential('two fabrics on one database', () => {
  it('have one history of a session: whoever is asked, its owner answers', async () => {
    const [atA, atB] = [await a.agent('one'), await b.agent('one')];
    expect(await atA.act(ARTICLE)).toMatchObject(ALLOWED);
    const customers = await atB.authorize(CUSTOMERS, 'customers');
    expect(customers).toMatchObject(ALLOWED);
    expect(await atA.authorize(CUSTOMERS, 'customers')).toEqual(customers);
    expect(await atB.report(customers)).toEqual({ status: 200, body: {} });
    expect(await atA.authorize(MAIL)).toMatchObject(LEAK);
    expect(await atB.authorize(MAIL)).toMatchObject(LEAK);
    // open 0, article 1 and 2, customers 3 and 4, two mails
    expect(await placesOf('one', 4)).toEqual([1, 3, 5, 6]);
    expect(await get(`${a.url}/health`)).toMatchObject({ status: 200 });
    expect(await get(`${b.url}/health`)).toMatchObject({ status: 200 });
  });

  it('send a request on once at most, and only with a token that holds', async () => {
    const action = { kind: 'call', tool: ARTICLE[0], args: ARTICLE[1] };
    const send = async (bearer: string, headers: Record<string, string>) => {
      const response = await fetch(`${b.url}/v1/authorize`, {
        method: 'POST',
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ request_id: 'once', action }),
      });
      return { status: response.status, body: await response.json() };
    };
    const mine = await token(a.deployment.data, { sid: 'one' });
    expect(await send(mine, { 'x-pf-forwarded': '1' })).toMatchObject({
      status: 409,
      body: { code: 'SESSION_ELSEWHERE' },
    });
    expect(await send(`${mine.slice(0, -6)}AAAAAA`, {})).toMatchObject({ status: 401 });
    const other = await send(await token(a.deployment.data, { sid: 'one', sub: 'agent-2' }), {});
    expect(other).toMatchObject({ status: 200, body: { effect: 'block', refusal: { code: 'CAP_MISS' } } });
  });

  it('hand a session over when its owner ends cleanly, with all that it has read', async () => {
    expect(await a.services.stop()).toEqual({ code: 0, signal: null });
    const atB = await b.agent('one');
    expect(await atB.authorize(MAIL)).toMatchObject(LEAK);
    expect(await atB.act(ARTICLE)).toMatchObject(ALLOWED);
    await a.start();
    expect(await (await a.agent('one')).authorize(MAIL)).toMatchObject(LEAK);
    const places = await placesOf('one', 8);
    expect(places).toEqual([...places].sort((x, y) => Number(x) - Number(y)));
    expect(new Set(places).size).toBe(places.length);
  });

  it('never guess where the owner died with a tail that only it has: the session waits for it, and goes on', async () => {
    const [atA, atB] = [await a.agent('two'), await b.agent('two')];
    // Killed at once, so that the ledger does not have it yet.
    expect(await atA.act(CUSTOMERS)).toMatchObject(ALLOWED);
    await a.die();
    const waits = { status: 503, body: { code: 'OWNER_UNREACHABLE' } };
    expect(await atB.authorize(MAIL)).toMatchObject(waits);
    await sleep(1.5 * LEASE_MS);
    expect(await atB.authorize(MAIL)).toMatchObject(waits);
    // Others go on meanwhile.
    expect(await (await b.agent('three')).act(ARTICLE)).toMatchObject(ALLOWED);

    await a.start();
    expect(await atB.authorize(MAIL)).toMatchObject(LEAK);
    expect(await placesOf('two', 2)).toEqual([1, 3]);
  });

  it('lose nothing when the database hangs for longer than their leases last', async () => {
    const atA = await a.agent('hanging');
    expect(await atA.act(ARTICLE)).toMatchObject(ALLOWED);
    signalAll(postgresIn(directory), 'SIGSTOP');
    expect(await atA.act(CUSTOMERS)).toMatchObject(ALLOWED);
    await sleep(1.2 * LEASE_MS);
    // Nobody can say whether it is still the owner's.
    const asked = atA.authorize(MAIL, 'late');
    await sleep(100);
    signalAll(postgresIn(directory), 'SIGCONT');
    await asked;
    const answer = await eventually(
      () => atA.authorize(MAIL),
      ({ status }) => status === 200,
    );
    expect(answer).toMatchObject(LEAK);
    expect((await placesOf('hanging', 3)).slice(0, 3)).toEqual([1, 3, 5]);
  });

  it('of high assurance take over what a dead one answered, once its lease has run out', async () => {
    for (const fabric of [a, b]) {
      expect(await fabric.services.stop()).toEqual({ code: 0, signal: null });
      fabric.decidesUnder(highAssurance);
      await fabric.start();
    }
    const [atA, atB] = [await a.agent('high'), await b.agent('high')];
    const customers = await atA.authorize(CUSTOMERS, 'customers');
    expect(customers).toMatchObject(ALLOWED);
    expect(await atA.report(customers)).toEqual({ status: 200, body: {} });
    await a.die();
    const died = performance.now();
    const taken = await eventually(
      () => atB.authorize(MAIL),
      ({ status }) => status === 200,
    );
    console.log(`taken over ${Math.round(performance.now() - died)} ms after the owner died`);
    expect(taken).toMatchObject(LEAK);
    expect(await atB.authorize(CUSTOMERS, 'customers')).toEqual(customers);
    expect(await placesOf('high', 2)).toEqual([1, 3]);

    await a.start();
    expect(await atA.authorize(MAIL)).toMatchObject(LEAK);
    expect(await placesOf('high', 3)).toEqual([1, 3, 4]);
  });

  it('leave evidence that holds, each in its own log', async () => {
    for (const fabric of [a, b]) {
      expect(await fabric.services.stop()).toEqual({ code: 0, signal: null });
      expect((await statementsIn(fabric.deployment.data)).length).toBeGreaterThan(0);
    }
    expect(await verify(a.deployment.data, 'acme')).toMatchObject({ exitCode: 0 });
  });
});
