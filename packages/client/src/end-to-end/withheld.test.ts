import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@provability-fabric/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PfServe } from '../testing/pf-serve.fixture.ts';

let directory: string;
let postgres: EmbeddedPostgres;
let fabric: PfServe;
const startPostgres = () => startEmbeddedPostgres({ directory, emit: () => undefined });
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pf-client-ledger-'));
  postgres = await startPostgres();
  fabric = await PfServe.start({ databaseUrl: postgres.url });
});
afterAll(async () => {
  await fabric?.stop();
  await postgres?.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('before a real fabric whose answers wait for a ledger that is gone', () => {
  const action = {
    kind: 'call',
    tool: 'read_text_file',
    args: { path: 'tenants/acme/customers.csv' },
  } as const;

  it('an own request id is used up for good, and the client goes on under a new one', async () => {
    const agent = await fabric.client('s1', { retries: 0, timeoutMs: 30_000 });
    expect(await agent.authorize({ action })).toMatchObject({ effect: 'allow' });
    await postgres.stop();
    const mine = () => agent.authorize({ action, requestId: 'mine-1' });
    await expect(mine()).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE', status: 503 });
    const patient = await fabric.client('s1', { retries: 20, retryDelayMs: 500, timeoutMs: 30_000 });
    const ids: string[] = [];
    const watched = await fabric.client('s1', {
      retries: 20,
      retryDelayMs: 500,
      timeoutMs: 30_000,
      async fetch(url, init) {
        ids.push(JSON.parse(init.body ?? '{}').request_id);
        return fetch(url, init);
      },
    });
    const answer = watched.authorize({ action });
    await expect.poll(() => ids.length, { timeout: 20_000, interval: 50 }).toBeGreaterThan(1);
    postgres = await startPostgres();
    expect(await answer).toMatchObject({ effect: 'allow', session: 's1' });
    expect(new Set(ids).size).toBe(2);
    // Under the old id it stays refused, and whoever chose it is told so.
    await expect(patient.authorize({ action, requestId: 'mine-1' })).rejects.toMatchObject({
      code: 'REQUEST_CONFLICT',
      message: expect.stringContaining('failed without being sent on; expected a new id'),
    });
    await expect(agent.authorize({ action, requestId: ids[0] ?? '' })).rejects.toMatchObject({
      code: 'REQUEST_CONFLICT',
    });
  }, 60_000);
});
