import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Agent, type Call, read, readAll } from './agent.fixture.ts';
import { buildPrograms } from './built-programs.fixture.ts';
import { storyIn, verify } from './evidence-in.fixture.ts';
import { Deployment, eventually, PATIENCE, type Services } from './fabric-services.fixture.ts';
import { type Answered, get, token } from './http-client.fixture.ts';
import { compiledBundle } from './pf-process.fixture.ts';

// One fabric whose own PostgreSQL is stopped and killed under it, and which is then killed itself.
const MAX_LAG_MS = 3_000;
const ECHO: Call = ['echo', { message: 'hello' }];

let deployment: Deployment;
let services: Services;
let sidecar: string;
let ledger: string;
let auditor: string;
/** Every certificate that anybody was ever given. */
const given: string[] = [];

beforeAll(async () => {
  await buildPrograms();
  const bundle = await compiledBundle('everything');
  deployment = new Deployment({ bundle, settings: [`evidence_max_lag: ${MAX_LAG_MS / 1000}s`] });
  await start();
  auditor = await deployment.token('ledger', 'local', 'auditor');
});
beforeEach(() => healthy());
afterEach(() => deployment.signalPostgres('SIGCONT'));
afterAll(() => services.stop());

async function start(): Promise<number> {
  const began = performance.now();
  services = deployment.serve();
  [sidecar, ledger] = await Promise.all([services.url('sidecar-watcher'), services.url('ledger')]);
  await healthy();
  return performance.now() - began;
}

const healthy = () =>
  eventually(
    () => get(`${sidecar}/health`),
    ({ status }) => status === 200,
  );

const agent = async (sid: string) =>
  new Agent(sidecar, await token(deployment.data, { tenant: 'local', org: 'local', sid }));

/** Keeps the certificate of what was answered. */
function answered(answer: Answered): Answered {
  if (answer.status === 200) given.push(answer.body.certificate_id as string);
  return answer;
}

async function inLedger(): Promise<readonly string[]> {
  const rows = await readAll(`${ledger}/permission-certificates?limit=1000`, auditor);
  return rows.map(({ certificate_id }) => certificate_id as string);
}

/** Everything that was answered is in the ledger, once; it may still be coming back. */
async function expectAllOnce(): Promise<void> {
  const asked = (): Promise<readonly string[]> => inLedger().catch(() => []);
  const there = await eventually(asked, (ids) => given.every((id) => ids.includes(id)));
  expect(new Set(there).size).toBe(there.length);
}

const unavailable = (detail: string) => ({
  status: 503,
  body: { code: 'EVIDENCE_UNAVAILABLE', detail: expect.stringContaining(detail) },
});

describe.sequential('pf serve whose PostgreSQL is away', () => {
  it('decides until the ledger lags too far, refuses by name then, and ships all of it afterwards', async () => {
    const asked = await agent('outage');
    expect(answered(await asked.act(ECHO))).toMatchObject({ status: 200 });
    await expectAllOnce();

    deployment.signalPostgres('SIGSTOP');
    const before = given.length;
    const refused = await eventually(
      async () => answered(await asked.authorize(ECHO)),
      ({ status }) => status !== 200,
    );
    expect(refused).toMatchObject(unavailable('the ledger lacks evidence'));
    expect(given.length - before).toBeGreaterThan(3);
    const health = await get(`${sidecar}/health`);
    expect(health).toMatchObject({ status: 503, body: { status: 'unhealthy' } });
    expect(JSON.stringify(health.body)).toContain('the ledger lacks evidence');
    expect((await get(`${sidecar}/livez`)).status).toBe(200);

    deployment.signalPostgres('SIGCONT');
    const again = await eventually(
      async () => answered(await asked.authorize(ECHO)),
      ({ status }) => status === 200,
    );
    expect(again).toMatchObject({ body: { effect: 'allow' } });
    await expectAllOnce();
  });

  it('starts it again when it was killed, and loses nothing of what was decided meanwhile', async () => {
    const asked = await agent('killed');
    deployment.signalPostgres('SIGKILL');
    for (let count = 0; count < 20; count++) {
      expect(answered(await asked.authorize(ECHO))).toMatchObject({ status: 200, body: { effect: 'allow' } });
      await sleep(20);
    }
    expect(await services.logged('postgres_exited')).toMatchObject({ tags: ['ERROR'] });
    await expectAllOnce();
  });

  it('lets no answer out before the ledger has its evidence, while async_processing is off', async () => {
    deployment.set('async_processing', 'false');
    expect(await services.logged('config_changed')).toMatchObject({ asyncProcessing: false });
    const asked = await agent('waiting');
    for (let count = 0; count < 3; count++) {
      const { body } = answered(await asked.act(ECHO));
      expect(await inLedger()).toContain(body.certificate_id);
    }

    deployment.signalPostgres('SIGSTOP');
    expect(await asked.authorize(ECHO, 'unanswered')).toMatchObject(unavailable('did not get the evidence'));
    deployment.signalPostgres('SIGCONT');
    // What was allowed on record was never answered, so it failed: nobody is told `allow` under that id any more.
    const repeated = await eventually(
      () => asked.authorize(ECHO, 'unanswered'),
      ({ status }) => status !== 503,
    );
    expect(repeated).toMatchObject({ status: 409, body: { code: 'REQUEST_CONFLICT' } });
    expect(answered(await asked.act(ECHO))).toMatchObject({ status: 200, body: { effect: 'allow' } });
    await expectAllOnce();
    deployment.set('async_processing', 'true');
    await vi.waitUntil(() => services.out.text.includes('"asyncProcessing":true'), PATIENCE);
  });
});

describe.sequential('pf serve that is killed', () => {
  it('is healthy again soon, knows what it answered, and has it in the ledger once', async () => {
    const asked = await agent('survivor');
    const first = answered(await asked.authorize(ECHO, 'before'));
    deployment.signalPostgres('SIGSTOP');
    const unshipped = answered(await asked.authorize(ECHO, 'unshipped'));
    expect(unshipped).toMatchObject({ status: 200 });
    services.kill('SIGKILL');
    await services.ended;
    deployment.signalPostgres('SIGCONT');

    const ms = await start();
    console.log(`restart after kill -9 to healthy: ${Math.round(ms)} ms`);
    expect(ms).toBeLessThan(10_000);
    const again = await agent('survivor');
    // What was not shipped may be older than the lag allows for a moment.
    await vi.waitFor(async () => {
      expect(await again.authorize(ECHO, 'before')).toEqual(first);
      expect(await again.authorize(ECHO, 'unshipped')).toEqual(unshipped);
    }, PATIENCE);
    expect(answered(await again.act(ECHO))).toMatchObject({ status: 200 });
    await expectAllOnce();
  });

  it('told to end, leaves no process behind and evidence that holds', async () => {
    expect(deployment.postgres()).not.toEqual([]);
    expect(await services.stop()).toEqual({ code: 0, signal: null });
    expect(deployment.postgres()).toEqual([]);
    const story = await storyIn(deployment.data);
    expect(story.filter((line) => line === 'echo allow')).toHaveLength(given.length + 1);
    expect(story.filter((line) => line === 'echo failed')).toHaveLength(1);
    expect(await verify(deployment.data, 'local')).toMatchObject({ exitCode: 0 });
    expect((await read(`${sidecar}/health`).catch(() => undefined))?.status).toBe(undefined);
  });
});
