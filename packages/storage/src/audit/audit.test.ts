import { hex } from '@provability-fabric/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLeases } from '../leases/leases.ts';
import { startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { asSuperuser, databaseOf } from '../testing/fresh-database.fixture.ts';
import { endOf, entriesAfter, entryOf } from '../testing/ledger-entries.fixture.ts';
import { openPostgresLedger, type PostgresLedger } from '../testing/postgres-ledger.fixture.ts';
import { readLedgerState } from './ledger-state.ts';
import { readLedgerSummary } from './ledger-summary.ts';
import { readStoredLease, readStoredSessions, type StoredSession } from './stored-sessions.ts';
import { readNewestHeads, readStoredStatements } from './stored-statements.ts';
import { readStoredTiles } from './stored-tiles.ts';

const acme = entriesAfter(undefined, 3, { tenant: 'acme', session: 's1', padding: 'x'.repeat(5_000) });
const globex = entriesAfter(undefined, 1, { tenant: 'globex', session: 's1' });
const head = (mark: string) => entryOf({ type: 'head', tenant: '-', mark }, null);

let server: TestServer;
let ledger: PostgresLedger;
let empty: PostgresLedger;
beforeAll(async () => {
  server = await startTestServer();
  ledger = await openPostgresLedger(server);
  empty = await openPostgresLedger(server);
  const writer = await ledger.writer();
  // By index: 0 to 2 of acme, 3 of globex, then the heads of two writers.
  await writer.append({ writer: 'a', from: 0, entries: [...acme, ...globex] });
  await writer.append({ writer: 'a', from: null, entries: [head('one'), head('two')] });
  await writer.append({ writer: 'b', from: null, entries: [head('other')] });
});
afterAll(async () => {
  await empty?.close();
  await ledger?.close();
  await server?.stop();
});

const tamper = (text: string) => asSuperuser(server, text, databaseOf(ledger.url));

async function sessions(): Promise<readonly StoredSession[]> {
  const all: StoredSession[] = [];
  for await (const one of readStoredSessions(ledger.database)) all.push(one);
  return all;
}

describe('what is stored, for an audit', () => {
  it('shows where a row was taken away, or put beyond the end, rather than what the log says of itself', async () => {
    expect(await readLedgerState(ledger.database)).toMatchObject({ size: 7, lowest: 0, highest: 6 });
    await tamper(`create table kept as table pf.statements;
      delete from pf.statements where log_index in (0, 6);`);
    expect(await readLedgerState(ledger.database)).toMatchObject({ size: 7, lowest: 1, highest: 5 });
    await tamper('insert into pf.statements table kept on conflict do nothing; drop table kept;');
  });

  it('of a database without a ledger has a summary, no state, and no rows', async () => {
    const { database } = empty;
    expect(await readLedgerState(database)).toBeUndefined();
    expect(await readLedgerSummary(database)).toMatchObject({ newest: null, sessions: 0, waiting: 0 });
    expect(await readStoredStatements(database, 0, 10, { rows: 10, bytes: 1e6 })).toEqual([]);
    expect(await readNewestHeads(database, 10)).toEqual([]);
  });

  it('comes in pages that a row count and a size bound, and never empty', async () => {
    const { database } = ledger;
    const page = async (from: number, below: number, rows: number, bytes: number) =>
      (await readStoredStatements(database, from, below, { rows, bytes })).map(({ index }) => index);
    expect(await page(0, 7, 100, 1e6)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await page(0, 7, 2, 1e6)).toEqual([0, 1]);
    // Two of acme's are larger than this together, one is larger than the next.
    expect(await page(0, 7, 100, 10_000)).toEqual([0]);
    expect(await page(0, 7, 100, 1)).toEqual([0]);
    expect(await page(1, 3, 100, 1e6)).toEqual([1, 2]);
    expect(await page(7, 9, 100, 1e6)).toEqual([]);
  });

  it('are the statements of all tenants as they were added', async () => {
    const rows = await readStoredStatements(ledger.database, 0, 4, { rows: 10, bytes: 1e6 });
    expect(rows).toMatchObject(
      [...acme, ...globex].map(({ tenant, seq, envelope }, index) => ({
        index,
        tenant,
        session: 's1',
        seq,
        verdict: 'accept',
        principal: 'agent-1',
        writer: 'a',
        envelope: Buffer.from(envelope),
      })),
    );
  });

  it('has the newest head of each writer, of those before a size', async () => {
    const heads = async (size: number) =>
      (await readNewestHeads(ledger.database, size)).map(({ writer, index }) => ({ writer, index }));
    expect(await heads(7)).toEqual([
      { writer: 'a', index: 5 },
      { writer: 'b', index: 6 },
    ]);
    expect(await heads(5)).toEqual([{ writer: 'a', index: 4 }]);
    expect(await heads(4)).toEqual([]);
  });

  it('has those of the tiles that there are', async () => {
    const places = [
      { level: -1, tile: 0 },
      { level: 0, tile: 0 },
      { level: 0, tile: 9 },
    ];
    const tiles = await readStoredTiles(ledger.database, places);
    expect(tiles.map(({ level, tile, hashes }) => [level, tile, hashes.length]).sort()).toEqual([
      [-1, 0, 7 * 32],
      [0, 0, 7 * 32],
    ]);
  });

  it('says of each session where its record ends it, and what is there, also past a page', async () => {
    const [first, second] = await sessions();
    const end = endOf(acme);
    expect(first).toMatchObject({ tenant: 'acme', seq: 2, index: 2, more: false });
    expect(hex(first?.digest ?? new Uint8Array())).toBe(end.digest);
    expect(hex(first?.stored ?? new Uint8Array())).toBe(end.digest);
    expect(second).toMatchObject({ tenant: 'globex', seq: 0, index: 3 });
    await tamper(`update pf.sessions set seq = 1 where tenant = 'acme';
      insert into pf.sessions (tenant, session) select 'many', 's' || n from generate_series(1, 2500) n;`);
    const all = await sessions();
    expect(all).toHaveLength(2502);
    expect(new Set(all.map(({ tenant, session }) => `${tenant}/${session}`)).size).toBe(2502);
    expect(all[0]).toMatchObject({ seq: 1, index: 1, more: true });
    expect(all[5]).toMatchObject({ tenant: 'many', seq: -1, digest: null, index: null, more: false });
    await tamper(`delete from pf.sessions where tenant = 'many';
      update pf.sessions set seq = 2 where tenant = 'acme';`);
  });

  it('says who may decide a session', async () => {
    const { database } = ledger;
    expect(await readStoredLease(database, 'acme', 's1')).toBeUndefined();
    const place = { owner: 'fabric-a', address: null, ttlMs: 60_000, assurance: 'standard' } as const;
    const leases = await openLeases({ database, ...place });
    await leases.acquire('acme', 's1');
    const lease = { owner: 'fabric-a', released: false, expired: false, seq: 2 };
    expect(await readStoredLease(database, 'acme', 's1')).toEqual(lease);
    expect(await readLedgerSummary(database)).toMatchObject({ sessions: 2, leased: 1, waiting: 0 });
    await leases.close({ shipped: true });
    expect(await readStoredLease(database, 'acme', 's1')).toMatchObject({ released: true });
  });
});
