import { nodeCrypto } from '@provability-fabric/evidence';
import type { KillOrder } from '@provability-fabric/governor';
import type { Digest } from '@provability-fabric/kernel';
import {
  describeClaimsContract,
  describeKillSourceContract,
  describeProposalsContract,
  describeTreeLockContract,
} from '@provability-fabric/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OwnedDatabase } from '../database/database.ts';
import { startTestServer, type TestServer, until, wait } from '../reader/ledger-database.fixture.ts';
import { type GovernorStoreOptions, openGovernorStore } from './governor-store.ts';

const crypto = nodeCrypto();
const TABLES = ['governor_trees', 'governor_claims', 'governor_proposals', 'governor_kill_switch'];
let server: TestServer;
let trees = 0;
const newTree = () => `tree-${++trees}`;

let pools: readonly [OwnedDatabase, OwnedDatabase];

beforeAll(async () => {
  server = await startTestServer();
  pools = [await server.connect(), await server.connect()];
});
afterAll(() => server?.stop());

function replica(database: OwnedDatabase, tree: string, more: Partial<GovernorStoreOptions> = {}) {
  return openGovernorStore({ database, crypto, tenant: 'acme', tree, ...more });
}

/** Two replicas of one tree that no other test has, each on a pool of its own. */
function twoReplicas(more: Partial<GovernorStoreOptions> = {}) {
  const tree = newTree();
  const [one, another] = [replica(pools[0], tree, more), replica(pools[1], tree, more)];
  const close = async () => {
    await Promise.all([one.close(), another.close()]);
  };
  return { tree, one, another, close };
}

describeKillSourceContract('PostgreSQL', async () => {
  const { one, another, close } = twoReplicas();
  return { one: one.killSource, another: another.killSource, close };
});

describeProposalsContract('PostgreSQL', async ({ now, bounds }) => {
  const { one, another, close } = twoReplicas({ now, bounds });
  return { one: one.proposals, another: another.proposals, close };
});

describeClaimsContract('PostgreSQL', async () => {
  const { one, another, close } = twoReplicas();
  return { one: one.claims, another: another.claims, close };
});

describeTreeLockContract('PostgreSQL', async () => {
  const { tree, one, another, close } = twoReplicas();
  const impatient = replica(pools[0], tree, { patienceMs: 200 });
  return {
    one: one.treeLock,
    another: another.treeLock,
    impatient: impatient.treeLock,
    async close() {
      await impatient.close();
      await close();
    },
  };
});

const digest = (n: number) => `${n}`.padStart(64, '0') as Digest;
const claim = (n: number, idempotencyKey = `key-${n}`) => ({ manifest: digest(n), idempotencyKey, at: 1 });

describe('the rows of a governor', () => {
  it('are one tenant’s and one tree’s, and nobody’s in a transaction of no tenant', async () => {
    const tree = newTree();
    for (const tenant of ['mine', 'other']) {
      const store = openGovernorStore({ database: server.database, crypto, tenant, tree });
      await store.claims.take(claim(1));
      await store.killSource.set?.({ reason: tenant, by: 'alice', at: 1 });
      await store.treeLock.withLock(async () => undefined);
      await store.close();
    }
    const run = (tenant: string, text: string) =>
      server.database
        .transaction('pf_governor', (tx) => tx.query<{ tenant: string }>(text), { tenant })
        .then(
          (rows) => rows.map((row) => row.tenant),
          (error: { code: string }) => error.code,
        );
    for (const table of TABLES) {
      const here = table === 'governor_proposals' ? [] : ['mine'];
      expect(await run('mine', `select tenant from pf.${table} where tree = '${tree}'`), table).toEqual(here);
      expect(await run('', `select tenant from pf.${table}`), table).toEqual([]);
      for (const role of ['pf_reader', 'pf_auditor', 'pf_writer', 'pf_secrets'] as const) {
        const reading = server.database.transaction(role, (tx) => tx.query(`select from pf.${table}`), {
          tenant: 'mine',
        });
        await expect(reading, `${role} ${table}`).rejects.toMatchObject({ code: 'LEDGER_REFUSED' });
      }
    }
    expect(
      await run('mine', `delete from pf.governor_claims where tenant = 'other' returning tenant`),
    ).toEqual([]);
    expect(await run('mine', `update pf.governor_claims set tenant = 'other'`)).toBe('LEDGER_REFUSED');
    const elsewhere = openGovernorStore({
      database: server.database,
      crypto,
      tenant: 'mine',
      tree: newTree(),
    });
    expect(await elsewhere.claims.take(claim(1))).toEqual({ kind: 'taken' });
    await elsewhere.close();
  });

  it('are of no tenant or tree that has no name', () => {
    for (const name of ['', '\0', 'x'.repeat(257)]) {
      expect(() =>
        openGovernorStore({ database: server.database, crypto, tenant: name, tree: 't' }),
      ).toThrow();
      expect(() =>
        openGovernorStore({ database: server.database, crypto, tenant: 't', tree: name }),
      ).toThrow();
    }
  });
});

describe('claims in PostgreSQL', () => {
  it('give each of many manifests to one of those who race for it on two replicas', async () => {
    const { one, another, close } = twoReplicas();
    const takes = Array.from({ length: 60 }, (_, at) =>
      (at % 2 === 0 ? one : another).claims.take(claim(at % 10)),
    );
    const kinds = (await Promise.all(takes)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'taken')).toHaveLength(10);
    expect(kinds.filter((kind) => kind === 'same-manifest')).toHaveLength(50);
    await close();
  });

  it('stay with a replica that lives, and are taken up when it is gone; their key stays with their manifest', async () => {
    const { tree, one, another, close } = twoReplicas({ claimLeaseMs: 300 });
    await one.claims.take(claim(1));
    await one.claims.take(claim(2));
    await wait(500);
    expect(await another.claims.take(claim(1))).toEqual({ kind: 'same-manifest', state: 'under-way' });
    expect(await another.claims.abandoned()).toEqual([]);
    await one.close(); // as a killed one, it renews nothing any more
    await until('both have lapsed', async () => (await another.claims.abandoned()).length === 2);
    expect(await another.claims.take(claim(3, 'key-1'))).toEqual({ kind: 'other-manifest' });
    expect(await another.claims.take(claim(1))).toEqual({ kind: 'taken' });
    await one.claims.release(digest(1)); // late, from the other side
    expect(await another.claims.take(claim(1))).toEqual({ kind: 'same-manifest', state: 'under-way' });
    await another.claims.applied(digest(2)); // recovery found that it had landed
    await another.claims.applied(digest(1));
    await another.claims.release(digest(1));
    const third = replica(pools[0], tree);
    for (const n of [1, 2]) {
      expect(await third.claims.take(claim(n))).toEqual({ kind: 'same-manifest', state: 'applied' });
    }
    expect(await third.claims.abandoned()).toEqual([]);
    await third.close();
    await close();
  });
});

describe('the tree lock in PostgreSQL', () => {
  it('outlasts its lease while work goes on', async () => {
    const { one, another, close } = twoReplicas({ leaseMs: 300, patienceMs: 5_000 });
    const order: string[] = [];
    const first = one.treeLock.withLock(async (held) => {
      await wait(600);
      await held();
      order.push('first');
    });
    await wait(50);
    await another.treeLock.withLock(async () => order.push('second'));
    await first;
    expect(order).toEqual(['first', 'second']);
    await close();
  });

  it('is lost by a replica that was cut off for longer than its lease: `held` says so, and its work counts for nothing', async () => {
    const { tree, one, another, close } = twoReplicas({ leaseMs: 300, patienceMs: 5_000 });
    let said: unknown;
    const cutOff = one.treeLock.withLock(async (held) => {
      // What a partition does: nothing renews any more, and somebody else takes it when the lease is over.
      await server.database.transaction(
        'pf_governor',
        (tx) =>
          tx.query(
            'update pf.governor_trees set holder = gen_random_uuid(), held_until = clock_timestamp() where tree = $1',
            [tree],
          ),
        { tenant: 'acme' },
      );
      await another.treeLock.withLock(async () => undefined);
      said = await held().catch((error: unknown) => error);
      return 'done';
    });
    await expect(cutOff).rejects.toMatchObject({ code: 'TREE_BUSY' });
    expect(said).toMatchObject({ code: 'TREE_BUSY' });
    await close();
  });

  it('of a replica that was killed goes to the next when its lease is over, and not before', async () => {
    const { tree, one, close } = twoReplicas({ leaseMs: 300, patienceMs: 5_000 });
    const left = `insert into pf.governor_trees (tenant, tree, fence, holder, held_until)
      values ('acme', $1, 7, gen_random_uuid(), clock_timestamp() + interval '400 ms')`;
    await server.database.transaction('pf_governor', (tx) => tx.query(left, [tree]), { tenant: 'acme' });
    const sent = performance.now();
    await one.treeLock.withLock(async () => undefined);
    expect(performance.now() - sent).toBeGreaterThan(350);
    expect(performance.now() - sent).toBeLessThan(1_400);
    await close();
  });
});

describe('a kill by way of PostgreSQL', () => {
  it('counts as given while the server does not answer, and no longer when it says otherwise', async () => {
    const { one, close } = twoReplicas();
    const told: (KillOrder | null | undefined)[] = [];
    const watch = await one.killSource.watch((state) => told.push(state));
    const silent = 'lock table pf.governor_kill_switch in access exclusive mode; select pg_sleep(1.2)';
    await server.database.asOwner((tx) => tx.query(silent));
    await until('it is asked again', () => told.length === 3);
    expect(told).toEqual([null, undefined, null]);
    await watch.close();
    await close();
  });

  it('reaches the other replica by looking alone, where no notification comes through', async () => {
    const { one, tree, close } = twoReplicas();
    const told: (KillOrder | null | undefined)[] = [];
    const watch = await one.killSource.watch((state) => told.push(state));
    const text = `insert into pf.governor_kill_switch (tenant, tree, reason, ordered_by, at) values ('acme', $1, 'r', 'b', 1)`;
    await server.database.transaction('pf_governor', (tx) => tx.query(text, [tree]), { tenant: 'acme' });
    await expect
      .poll(() => told.at(-1), { timeout: 2_000, interval: 5 })
      .toEqual({ reason: 'r', by: 'b', at: 1 });
    await watch.close();
    await close();
  });

  // The last one: it leaves no server.
  it('counts as given soon after the server’s end, and nothing can be set then', async () => {
    const { one, close } = twoReplicas();
    const told: (KillOrder | null | undefined)[] = [];
    const watch = await one.killSource.watch((state) => told.push(state));
    await server.postgres.stop();
    await expect.poll(() => told.at(-1), { timeout: 2_000, interval: 5 }).toBeUndefined();
    await expect(one.killSource.set?.({ reason: 'r', by: 'b', at: 1 })).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
    });
    await expect(one.claims.take(claim(1))).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    await watch.close();
    await close();
  });
});
