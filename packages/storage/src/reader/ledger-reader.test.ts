import type { LedgerEntry } from '@provability-fabric/evidence';
import {
  concatBytes,
  leafHash,
  openNote,
  parseCheckpoint,
  treeRoot,
  utf8,
  verifyConsistencyForLog,
} from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entriesAfter } from '../testing/ledger-entries.fixture.ts';
import { writeCursor } from './cursor.ts';
import { crypto, logVerifier, ORIGIN } from './ledger-database.fixture.ts';
import { collect, FROM, newName, newTenant, receipt, useTestLedger } from './test-ledger.fixture.ts';

const ledger = useTestLedger();

describe('a tenant', () => {
  it('never sees a row of another, by no list, cursor, session, id or count', async () => {
    const made = fc.record({
      of: fc.nat(3),
      session: fc.constantFrom('s1', 's2', null),
      at: fc.nat(5),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(made, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        async (shapes, limit) => {
          const tenants = Array.from({ length: 4 }, newTenant) as [string, string, string, string];
          const ends = new Map<string, LedgerEntry>();
          const entries = shapes.map(({ of, session, at }) => {
            const tenant = tenants[of] as string;
            if (session === null) return receipt(tenant, newName('receipt'), FROM + at);
            const end = ends.get(`${tenant}/${session}`);
            const after = end && { seq: end.seq as number, digest: end.digest };
            const [entry] = entriesAfter(after, 1, { tenant, session }) as [LedgerEntry];
            ends.set(`${tenant}/${session}`, entry);
            return entry;
          });
          await ledger.current.store(entries);
          const types = ['permission-certificate', 'access-receipt'];
          const everything = await ledger.current.allPages(
            { scope: { tenant: null }, types, since: FROM },
            1_000,
          );
          for (const tenant of tenants) {
            const own = entries.filter((entry) => entry.tenant === tenant);
            const rows = await ledger.current.allPages({ scope: { tenant }, types }, limit);
            expect(rows.map((row) => row.tenant)).toEqual(own.map(() => tenant));
            expect(await ledger.current.reader.count({ scope: { tenant }, types })).toBe(own.length);
            for (const row of everything.filter(
              (each) => each.tenant !== tenant && tenants.includes(each.tenant),
            )) {
              const mark = ['statements', tenant, types, null, null, null, null];
              const cursor = writeCursor(mark, [row.issuedAt, Math.max(0, row.index - 1)]);
              const page = await ledger.current.reader.statements({
                scope: { tenant },
                types,
                limit: 10,
                cursor,
              });
              expect(page.rows.every((each) => each.tenant === tenant)).toBe(true);
              expect(await ledger.current.reader.evidence({ tenant }, row.id ?? '')).toBeNull();
            }
            const sessions = ['s1', 's2'].map((session) =>
              collect(ledger.current.reader.session(tenant, session)),
            );
            const counted = (await Promise.all(sessions)).flat().length;
            expect(counted).toBe(own.filter(({ session }) => session !== null).length);
          }
        },
      ),
      { numRuns: 5 },
    );
  });

  it('may have the names of another’s sessions, and they stay apart', async () => {
    const [mine, theirs] = [newTenant(), newTenant()];
    await ledger.current.store(entriesAfter(undefined, 2, { tenant: theirs, session: 'same' }));
    expect(await ledger.current.reader.head(mine, 'same')).toBeUndefined();
    expect(await collect(ledger.current.reader.session(mine, 'same'))).toEqual([]);
    expect(await ledger.current.reader.head(theirs, 'same')).toMatchObject({ seq: 1 });
  });
});

describe('a session', () => {
  it('is read in order from any seq on, with its sealed records', async () => {
    const tenant = newTenant();
    const entries = entriesAfter(undefined, 700, { tenant, session: 's' });
    await ledger.current.store(entries);
    const read = await collect(ledger.current.reader.session(tenant, 's'));
    expect(read.map(({ seq }) => seq)).toEqual(entries.map(({ seq }) => seq));
    expect(read[699]).toMatchObject({
      envelope: entries[699]?.envelope,
      salt: entries[699]?.salt,
      sealedRecord: utf8('sealed'),
    });
    expect((await collect(ledger.current.reader.session(tenant, 's', 698))).map(({ seq }) => seq)).toEqual([
      698, 699,
    ]);
    expect(await collect(ledger.current.reader.session(tenant, 's', 700))).toEqual([]);
    await expect(collect(ledger.current.reader.session(tenant, 's', -1))).rejects.toMatchObject({
      code: 'BAD_QUERY',
    });
  });

  it('is refused where it was erased or has a gap', async () => {
    const tenant = newTenant();
    await ledger.current.store(entriesAfter(undefined, 3, { tenant, session: 's' }));
    await ledger.current.server.database.transaction('pf_writer', (tx) =>
      tx.query('select pf.erase($1, true)', [tenant]),
    );
    await expect(collect(ledger.current.reader.session(tenant, 's'))).rejects.toMatchObject({
      code: 'LEDGER_CORRUPT',
    });
  });
});

describe('tiles, checkpoints and proofs', () => {
  it('know only the one spelling of a path', async () => {
    for (const path of [
      '',
      '0',
      '0/0',
      '0/00',
      '0/0000',
      '0/x000/000',
      '00/000',
      '7/000',
      '-1/000',
      '0/000.p/0',
      '0/000.p/256',
      '0/000.p/01',
      '0/000/..',
      '../0/000',
      '0/000.p/1/x',
      'entries/000.p/',
      '0/999',
      '0/x999/x999/x999/x999/999',
      'x'.repeat(1_048_576),
    ]) {
      expect([path.slice(0, 40), await ledger.current.reader.tile(path)]).toEqual([path.slice(0, 40), null]);
    }
  });

  it('are those of the tree that the checkpoint signs, for every size that was ever shown', async () => {
    const tenant = newTenant();
    const checkpoints = [];
    for (const count of [1, 200, 300, 1]) {
      await ledger.current.store(Array.from({ length: count }, () => receipt(tenant, newName('r'), FROM)));
      const { text } = openNote(crypto, (await ledger.current.reader.checkpoint()) ?? '', [logVerifier]);
      checkpoints.push(parseCheckpoint(text));
    }
    const last = checkpoints.at(-1) as (typeof checkpoints)[number];
    expect(last.origin).toBe(ORIGIN);
    const leaves: Uint8Array[] = [];
    const tileWidth = (from: number) => Math.min(256, last.size - from);
    for (let from = 0; from < last.size; from += 256) {
      const width = tileWidth(from);
      const name = `${from / 256}`.padStart(3, '0');
      const partial = width === 256 ? name : `${name}.p/${width}`;
      const tile = (await ledger.current.reader.tile(`0/${partial}`)) as Uint8Array;
      const bundle = (await ledger.current.reader.tile(`entries/${partial}`)) as Uint8Array;
      expect([tile.length, bundle.length]).toEqual([width * 32, width * 34]);
      for (let i = 0; i < width; i++) {
        const hash = tile.slice(32 * i, 32 * i + 32);
        expect([...bundle.subarray(34 * i, 34 * i + 2)]).toEqual([0, 32]);
        expect(leafHash(crypto, bundle.slice(34 * i + 2, 34 * i + 34))).toEqual(hash);
        leaves.push(hash);
      }
      if (width === 256)
        expect(await ledger.current.reader.tile(`0/${name}.p/7`)).toEqual(tile.slice(0, 7 * 32));
      else expect(await ledger.current.reader.tile(`0/${name}.p/${width + 1}`)).toBeNull();
    }
    expect(treeRoot(crypto, leaves)).toEqual(last.root);
    const full = Math.floor(last.size / 256);
    expect(await ledger.current.reader.tile(`1/000.p/${full}`)).toEqual(
      concatBytes(
        ...Array.from({ length: full }, (_, i) => treeRoot(crypto, leaves.slice(256 * i, 256 * i + 256))),
      ),
    );
    for (const old of checkpoints) {
      const proof = await ledger.current.reader.consistency(old.size, last.size);
      const claim = { oldSize: old.size, oldRoot: old.root, newSize: last.size, newRoot: last.root, proof };
      expect(verifyConsistencyForLog(crypto, claim)).toEqual({ ok: true });
    }
    for (const [old, size] of [
      [2, 1],
      [0, last.size + 1],
      [-1, 1],
      [0.5, 1],
    ] as const) {
      await expect(ledger.current.reader.consistency(old, size)).rejects.toMatchObject({ code: 'BAD_QUERY' });
    }
  });
});
