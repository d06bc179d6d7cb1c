import { randomUUID } from 'node:crypto';
import type { Rotation, RotationStore, SecretName, SecretTenant } from '@provability-fabric/secrets';
import { rotationStoreContract } from '@provability-fabric/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { openRotationStore } from './rotation-store.ts';

const NOW = 1_800_000_000_000;
const EVER = NOW * 2;
const TABLES = ['secret_schedules', 'secret_rotations', 'secret_dependants'];
let server: TestServer;
let store: RotationStore;
let replica: RotationStore;

beforeAll(async () => {
  server = await startTestServer();
  store = openRotationStore({ database: server.database });
  replica = openRotationStore({ database: await server.connect() });
});
afterAll(() => server?.stop());

rotationStoreContract('PostgreSQL', async () => ({ store, close: async () => undefined }));

function rotationOf(tenant: string, name: string, part: Partial<Rotation> = {}): Rotation {
  return {
    id: randomUUID(),
    tenant: tenant as SecretTenant,
    name: name as SecretName,
    rotator: 'random',
    options: { length: 40 },
    cause: 'schedule',
    by: 'system:rotation',
    phase: 'stage',
    attempts: 0,
    dueAt: NOW,
    graceMs: 0,
    previousVersion: null,
    version: null,
    errorCode: null,
    startedAt: NOW,
    promotedAt: null,
    endedAt: null,
    changedAt: NOW,
    ...part,
  };
}

async function fill(tenant: string): Promise<void> {
  await store.begin(rotationOf(tenant, 'db'));
  await store.putDependant(
    { tenant: tenant as SecretTenant, name: 'db' as SecretName },
    { serviceId: 's', serviceName: 's', serviceType: 'api', environment: 'production' },
  );
  await store.putSchedule({
    tenant: tenant as SecretTenant,
    name: 'db' as SecretName,
    timing: { kind: 'cron', expression: '0 2 * * *', timeZone: 'UTC' },
    anchorAt: NOW,
    graceMs: 0,
    rotator: 'random',
    options: {},
    jitterMs: 0,
    windows: [],
    createdBy: 'alice',
    nextAt: EVER,
    plannedAt: NOW,
  });
}

describe('the state of rotations', () => {
  it('is one tenant’s in a transaction of that tenant, and the scheduler moves no schedule but in one', async () => {
    await fill('mine');
    await fill('other');
    const run = (tenant: string, text: string) =>
      server.database
        .transaction('pf_secrets', (tx) => tx.query<{ tenant: string }>(text), { tenant })
        .then(
          (rows) => rows.map((row) => row.tenant),
          (error: { code: string }) => error.code,
        );
    for (const table of TABLES) {
      expect(await run('mine', `select tenant from pf.${table}`), table).toEqual(['mine']);
      const gone = `delete from pf.${table} where tenant = 'other' returning tenant`;
      expect(await run('mine', gone), table).toEqual([]);
      expect(await run('', `delete from pf.${table} returning tenant`), table).toEqual([]);
    }
    expect(
      await run('mine', `update pf.secret_rotations set fence = 9 where tenant = 'other' returning tenant`),
    ).toEqual([]);
    expect(await run('', 'update pf.secret_schedules set next_at = 0 returning tenant')).toEqual([]);
    expect(await run('', 'select tenant from pf.secret_dependants')).toEqual([]);
    expect(await run('mine', `update pf.secret_rotations set tenant = 'other' returning tenant`)).toBe(
      'LEDGER_REFUSED',
    );
    await expect(store.rotations('' as SecretTenant, { limit: 1 })).rejects.toMatchObject({
      code: 'BAD_QUERY',
    });
  });

  it('gives each rotation to one of two replicas that take at once', async () => {
    const tenant = 'crowd';
    for (let at = 0; at < 60; at++) await store.begin(rotationOf(tenant, `s${at}`, { dueAt: 5 + at }));
    const claim = (on: RotationStore) =>
      on.claim({ now: 100, changedAfter: EVER, leaseMs: 60_000, limit: 7 });
    const claimed: string[] = [];
    for (;;) {
      const found = (await Promise.all([store, replica, store, replica].map(claim))).flat();
      if (found.length === 0) break;
      claimed.push(...found.map(({ rotation }) => rotation.id));
    }
    expect(claimed).toHaveLength(60);
    expect(new Set(claimed).size).toBe(60);
  });

  it('hands out the longest due first', async () => {
    const tenant = 'order';
    for (const dueAt of [30, 10, 20]) await store.begin(rotationOf(tenant, `d${dueAt}`, { dueAt }));
    const found = await store.claim({ now: 100, changedAfter: EVER, leaseMs: 1_000, limit: 2 });
    expect(found.map(({ rotation }) => rotation.dueAt)).toEqual([10, 20]);
  });

  it('knows no rotation by what is no id of one', async () => {
    const tenant = 'no-ids' as SecretTenant;
    for (const id of ['', '../x', "' or true", randomUUID().toUpperCase(), '\0']) {
      expect(await store.rotation(tenant, id)).toBeNull();
      expect(await store.advance(tenant, id, 0, { changedAt: NOW }, 0)).toBe(false);
      expect(await store.claim({ now: NOW, changedAfter: EVER, leaseMs: 1, limit: 1, id })).toEqual([]);
    }
  });

  it('leaves a schedule where it was when its rotation could not begin', async () => {
    const [tenant, name] = ['held-back' as SecretTenant, 'db' as SecretName];
    await fill(tenant);
    const move = { from: EVER, to: EVER + 1, plannedAt: NOW + 1 };
    expect(await store.begin(rotationOf(tenant, name), move)).toBe('under-way');
    expect(await store.schedule({ tenant, name })).toMatchObject({ nextAt: EVER, plannedAt: NOW });
  });

  it('forgets all but the newest thousand that ended, and none that goes on', async () => {
    const tenant = 'long-ago' as SecretTenant;
    await server.database.transaction(
      'pf_secrets',
      (tx) =>
        tx.query(
          `insert into pf.secret_rotations (tenant, id, name, rotator, options, cause, asked_by, phase, attempts, due_at,
             grace_ms, started_at, ended_at, changed_at)
           select $1, gen_random_uuid(), 'db', 'random', '{}', 'manual', 'alice', 'done', 0, 0, 0, i, i, i
           from generate_series(1, 1005) i`,
          [tenant],
        ),
      { tenant },
    );
    const last = rotationOf(tenant, 'db', { startedAt: 5_000 });
    const open = rotationOf(tenant, 'other', { startedAt: 1 });
    for (const rotation of [last, open]) await store.begin(rotation);
    const [claimed] = await store.claim({
      now: NOW,
      changedAfter: EVER,
      leaseMs: 1_000,
      limit: 1,
      id: last.id,
    });
    const change = { phase: 'failed', endedAt: NOW, errorCode: 'ROTATION_FAILED', changedAt: NOW } as const;
    expect(await store.advance(tenant, last.id, claimed?.fence ?? 0, change, 0)).toBe(true);
    const kept = await store.rotations(tenant, { limit: 1_000 });
    expect(kept[0]).toMatchObject({ id: last.id, phase: 'failed' });
    expect(await store.rotation(tenant, open.id)).toEqual(open);
    const [count] = await server.database.transaction(
      'pf_secrets',
      (tx) => tx.query<{ n: number }>('select count(*) as n from pf.secret_rotations'),
      { tenant },
    );
    expect(count?.n).toBe(1_001);
  });
});
