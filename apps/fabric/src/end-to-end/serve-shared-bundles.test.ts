import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EmbeddedPostgres, openDatabase, startEmbeddedPostgres } from '@provability-fabric/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent, ARTICLE } from './agent.fixture.ts';
import { buildPrograms } from './built-programs.fixture.ts';
import { Deployment, eventually, postgresIn, type Services, signalAll } from './fabric-services.fixture.ts';
import { get, post, token } from './http-client.fixture.ts';
import { compiledBundle, type Json, temporaryFolder } from './pf-process.fixture.ts';

// Policy adapters and sidecars in processes of their own, with nothing in common but the database and the keys.
let directory: string;
let postgres: EmbeddedPostgres;
let first: Json;
let [one, other]: readonly Deployment[] = [];
let sidecars: readonly [Services, Services];
let adapters: readonly Services[];
let operator: string;

beforeAll(async () => {
  await buildPrograms();
  directory = join(temporaryFolder(), 'postgres');
  postgres = await startEmbeddedPostgres({ directory, emit: () => undefined });
  const bundle = await compiledBundle('quickstart');
  first = JSON.parse(readFileSync(bundle, 'utf8')) as Json;
  one = new Deployment({ bundle });
  other = new Deployment({ bundle });
  const sidecar = serve(one, 'sidecar-watcher');
  await sidecar.url('sidecar-watcher');
  sidecars = [sidecar, serve(other, 'sidecar-watcher', one)];
  adapters = [1, 2].map(() => {
    const deployment = new Deployment({ bundle });
    // It decides nothing, so it is told of no bundle.
    deployment.configure([]);
    return serve(deployment, 'policy-adapter', one);
  });
  operator = await one.token('policy-adapter', 'acme', 'platform-operator');
  await Promise.all([
    sidecars[1].url('sidecar-watcher'),
    ...adapters.map((each) => each.url('policy-adapter')),
  ]);
});
afterAll(async () => {
  signalAll(postgresIn(directory), 'SIGCONT');
  await Promise.all([...sidecars, ...adapters].map((services) => services.stop()));
  await postgres.stop();
});

function serve(deployment: Deployment, component: string, keysFrom?: Deployment): Services {
  if (keysFrom !== undefined) shareKeys(keysFrom, deployment);
  return deployment.serve([component], { env: { DATABASE_URL: postgres.url } });
}

function shareKeys(from: Deployment, to: Deployment): void {
  const [source, target] = [join(from.data, 'keys'), join(to.data, 'keys')];
  mkdirSync(target, { recursive: true, mode: 0o700 });
  const shared = readdirSync(source).filter((name) => /^(?:ledger|token)\./.test(name));
  for (const name of shared) cpSync(join(source, name), join(target, name));
}

const stricter = (version: number) => ({
  ...first,
  version,
  clauses: (first.clauses as readonly Json[]).map((clause) =>
    clause.id === 'few-reads' ? { ...clause, max: 1 } : clause,
  ),
});
async function publish(bundle: unknown, at = 0, bearer = operator) {
  return post(`${await (adapters[at] as Services).url('policy-adapter')}/v1/bundles`, bearer, {
    bundle,
  } as Json);
}
const metricsOf = async (services: Services) =>
  (await fetch(`${await services.url('sidecar-watcher')}/metrics`)).text();
const versionOf = async (services: Services) =>
  Number(/^bundle_in_force\{.*version="(\d+)".*\} 1$/m.exec(await metricsOf(services))?.[1]);
const decideUnder = (version: number) =>
  eventually(
    () => Promise.all(sidecars.map(versionOf)),
    (versions) => versions.every((each) => each === version),
  );
const TOO_MANY = { effect: 'block', refusal: { code: 'LIMIT_EXCEEDED', clause: 'few-reads' } };

describe.sequential('bundles through the database', () => {
  it('reach the sidecars of other processes at once, while agents are at work', async () => {
    const agents = await Promise.all(
      sidecars.map(
        async (services, at) =>
          new Agent(await services.url('sidecar-watcher'), await token(one?.data ?? '', { sid: `s${at}` })),
      ),
    );
    for (const agent of agents) expect(await agent.act(ARTICLE)).toMatchObject({ body: { effect: 'allow' } });
    expect(await publish(stricter(2))).toMatchObject({
      status: 200,
      body: { active: { name: 'quickstart', version: 2 } },
    });
    const published = performance.now();
    await decideUnder(2);
    const ms = Math.round(performance.now() - published);
    console.log(`in force in two other processes ${ms} ms after the answer`);
    // A second, and what a busy machine adds to asking all of them.
    expect(ms).toBeLessThan(5_000);
    for (const agent of agents) expect(await agent.authorize(ARTICLE)).toMatchObject({ body: TOO_MANY });
    for (const services of sidecars)
      expect(await services.logged('bundle_adopted')).toMatchObject({ before: 1, version: 2 });
  });

  it('are refused by name where they are unfit, and the running one stays', async () => {
    const own = await one?.token('policy-adapter', 'acme', 'operator');
    expect(await publish(stricter(3), 0, own)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    const unfit: readonly (readonly [number, string, unknown])[] = [
      [409, 'BUNDLE_ROLLBACK', first],
      [409, 'BUNDLE_ROLLBACK', { ...first, version: 2 }],
      [409, 'BUNDLE_WRONG_NAME', { ...stricter(3), name: 'nobody-has-it' }],
      [422, 'BUNDLE_INVALID', { ...stricter(3), clauses: [] }],
    ];
    for (const [status, code, bundle] of unfit)
      expect(await publish(bundle, 1)).toMatchObject({ status, body: { code } });
    expect(await Promise.all(sidecars.map(versionOf))).toEqual([2, 2]);
  });

  it('are one where two adapters are given different contents of one version at once', async () => {
    const contents = [stricter(3), { ...first, version: 3 }];
    const answers = await Promise.all(contents.map((bundle, at) => publish(bundle, at)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    await decideUnder(3);
    const taken = answers.find(({ status }) => status === 200)?.body.active as Json;
    for (const services of sidecars) expect(await metricsOf(services)).toContain(`digest="${taken.digest}"`);
  });

  it('that somebody wrote into the database by hand are named, and nobody decides under them', async () => {
    const database = await openDatabase({ url: postgres.url });
    await database.asOwner(async (tx) => {
      await tx.query('alter table pf.bundles no force row level security');
      await tx.query(
        `insert into pf.bundles select name, 9, digest, tenants, content, note, published_by, published_at
         from pf.bundles where version = 1`,
      );
      await tx.query('update pf.bundle_state set change = change + 1');
      await tx.query('alter table pf.bundles force row level security');
      await tx.query(`select pg_notify('pf_bundles', '')`);
    });
    await database.close();
    for (const services of sidecars) {
      const kept = { code: 'BUNDLE_UNSIGNED', version: 9, in_force: 3 };
      expect(await services.logged('bundle_kept')).toMatchObject(kept);
      const url = await services.url('sidecar-watcher');
      expect(await get(`${url}/health`)).toMatchObject({
        status: 503,
        body: { problems: [{ component: 'bundle' }] },
      });
      expect(await metricsOf(services)).toMatch(/^bundle_kept 1$/m);
    }
    expect(await Promise.all(sidecars.map(versionOf))).toEqual([3, 3]);
  });

  it('are not half-activated where the database is gone', async () => {
    signalAll(postgresIn(directory), 'SIGSTOP');
    const answer = await publish(stricter(4));
    signalAll(postgresIn(directory), 'SIGCONT');
    expect(answer).toMatchObject({ status: 503, body: { code: 'LEDGER_UNAVAILABLE' } });
    expect(await Promise.all(sidecars.map(versionOf))).toEqual([3, 3]);
    await eventually(
      () => publish(stricter(10)),
      ({ status }) => status === 200,
    );
    await decideUnder(10);
  });

  it('outlive restarts with a configuration that is behind', async () => {
    expect(await sidecars[1].stop()).toEqual({ code: 0, signal: null });
    expect(await publish(stricter(11), 1)).toMatchObject({ status: 200 });
    sidecars = [sidecars[0], serve(other as Deployment, 'sidecar-watcher')];
    expect(await sidecars[1].logged('bundle_overtaken')).toMatchObject({ version: 1, in_force: 11 });
    await decideUnder(11);
    for (const services of sidecars)
      expect((await get(`${await services.url('sidecar-watcher')}/health`)).status).toBe(200);
    expect(await Promise.all(adapters.map((each) => each.stop()))).toEqual(
      adapters.map(() => ({ code: 0, signal: null })),
    );
  });

  it('are not taken by an adapter alone before a database of its own', async () => {
    const lonely = new Deployment({ bundle: await compiledBundle('quickstart') });
    const services = lonely.serve(['policy-adapter']);
    expect(await services.ended).toEqual({ code: 3, signal: null });
    expect(services.err.text).toContain('OPTION_INVALID: policy-adapter without a sidecar in its process');
    expect(existsSync(lonely.data)).toBe(false);
  });
});
