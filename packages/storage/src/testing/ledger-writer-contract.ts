import type { LedgerAppended, LedgerBatch, LedgerEntry, LedgerWriter } from '@provability-fabric/evidence';
import { leafHash, utf8 } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crypto } from '../reader/ledger-database.fixture.ts';
import { expectOneHistory } from './checkpoint-history.fixture.ts';
import { endOf, entriesAfter, entryOf } from './ledger-entries.fixture.ts';

/** A ledger of its own for each test. */
export interface LedgerUnderTest {
  /** A further sequencer, as another process has one. */
  writer(): Promise<LedgerWriter>;
  /** What the log holds, in its order. */
  stored(): Promise<
    readonly { readonly index: number; readonly digest: string; readonly session: string | null }[]
  >;
  superseded(): Promise<readonly string[]>;
  leafHashes(): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}

const A = { tenant: 'acme', session: 's1' };

export function ledgerWriterContract(name: string, open: () => Promise<LedgerUnderTest>): void {
  describe(`${name} keeps to the ledger writer's contract`, () => {
    let ledger: LedgerUnderTest;
    let writer: LedgerWriter;
    beforeEach(async () => {
      ledger = await open();
      writer = await ledger.writer();
    });
    afterEach(() => ledger?.close());

    const digests = async () => (await ledger.stored()).map(({ digest }) => digest);
    const of = (entries: readonly LedgerEntry[]) => entries.map(({ digest }) => digest);

    it('adds a batch that is sent again nothing, also by another sequencer', async () => {
      const batch = { writer: 'w', from: 0, entries: entriesAfter(undefined, 5, A) };
      const first = await writer.append(batch);
      expect(first).toMatchObject({ size: 5, added: 5, repeated: 0, superseded: 0, position: 5 });
      const again = { size: 5, checkpoint: first.checkpoint, added: 0, repeated: 5, position: 5 };
      expect(await writer.append(batch)).toMatchObject(again);
      expect(await (await ledger.writer()).append(batch)).toMatchObject(again);
      expect(await digests()).toEqual(of(batch.entries));
    });

    it('adds of a batch that overlaps what is new, and of one without a log what is not there', async () => {
      const entries = entriesAfter(undefined, 7, A);
      await writer.append({ writer: 'w', from: 0, entries: entries.slice(0, 4) });
      const overlap = await writer.append({ writer: 'w', from: 2, entries: entries.slice(2, 6) });
      expect(overlap).toMatchObject({ added: 2, repeated: 2, position: 6 });
      const loose = await writer.append({ writer: 'w', from: null, entries: entries.slice(5) });
      expect(loose).toMatchObject({ added: 1, repeated: 1, position: null, size: 7 });
      expect(await writer.position('w')).toBe(6);
      expect(await writer.position('nobody')).toBe(0);
      expect(await digests()).toEqual(of(entries));
    });

    it('refuses a gap in what a writer sends, and another entry at a place that it has sent', async () => {
      const entries = entriesAfter(undefined, 6, A);
      await writer.append({ writer: 'w', from: 0, entries: entries.slice(0, 2) });
      const gap = { writer: 'w', from: 3, entries: entries.slice(3) };
      await expect(writer.append(gap)).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' });
      const other = { writer: 'w', from: 1, entries: entriesAfter(undefined, 1, { ...A, session: 's2' }) };
      await expect(writer.append(other)).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' });
      expect(await digests()).toEqual(of(entries.slice(0, 2)));
      expect(await writer.position('w')).toBe(2);
    });

    it('refuses a session with a gap, a second statement for a seq, and one that continues another', async () => {
      const entries = entriesAfter(undefined, 4, A);
      await writer.append({ writer: 'w', from: 0, entries: entries.slice(0, 2) });
      const fork = entriesAfter(undefined, 3, { ...A, mark: 'fork' });
      for (const wrong of [entries.slice(3), fork.slice(1, 2), fork.slice(2)]) {
        const batch = { writer: 'v', from: 0, entries: wrong };
        await expect(writer.append(batch)).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' });
      }
      expect(await digests()).toEqual(of(entries.slice(0, 2)));
      expect(await writer.position('v')).toBe(0);
    });

    it('keeps what was decided under an old fence apart, and continues the session without it', async () => {
      const [old, key] = [entriesAfter(undefined, 4, A), 'acme\ns1'];
      const under = (fence: number) => ({ fences: new Map([[key, fence]]) });
      await writer.append({ writer: 'w', from: 0, entries: old.slice(0, 2), ...under(1) });
      const taken = entriesAfter(endOf(old.slice(0, 2)), 2, { ...A, mark: 'taken over' });
      await writer.append({ writer: 'v', from: 0, entries: taken, ...under(2) });
      const late = await writer.append({ writer: 'w', from: 2, entries: old.slice(2), ...under(1) });
      expect(late).toMatchObject({ size: 4, added: 0, superseded: 2, position: 4 });
      const again = await writer.append({ writer: 'w', from: 2, entries: old.slice(2), ...under(1) });
      expect(again).toMatchObject({ added: 0, superseded: 0, repeated: 2, position: 4 });
      expect(await digests()).toEqual([...of(old.slice(0, 2)), ...of(taken)]);
      expect([...(await ledger.superseded())].sort()).toEqual([...of(old.slice(2))].sort());
      const next = entriesAfter(endOf(taken), 1, A);
      expect(await writer.append({ writer: 'v', from: 2, entries: next, ...under(2) })).toMatchObject({
        added: 1,
      });
    });

    it('takes from a restarted writer that knows no fence any more what continues, and supersedes what does not', async () => {
      const [old, key] = [entriesAfter(undefined, 6, A), 'acme\ns1'];
      await writer.append({ writer: 'w', from: 0, entries: old.slice(0, 2), fences: new Map([[key, 1]]) });
      expect(await writer.append({ writer: 'w', from: 2, entries: old.slice(2, 3) })).toMatchObject({
        added: 1,
      });
      const taken = entriesAfter(endOf(old.slice(0, 3)), 1, { ...A, mark: 'taken over' });
      await writer.append({ writer: 'v', from: 0, entries: taken, fences: new Map([[key, 2]]) });
      const late = await writer.append({ writer: 'w', from: 3, entries: old.slice(3) });
      expect(late).toMatchObject({ added: 0, superseded: 3, position: 6 });
    });

    it('refuses names and bytes that no correct caller sends, whole, and goes on', async () => {
      const [good] = entriesAfter(undefined, 1, A) as [LedgerEntry];
      const hostile: readonly Partial<LedgerEntry>[] = [
        { tenant: "acme'; drop table pf.statements; --" },
        { tenant: 'ac\0me' },
        { tenant: 'x'.repeat(1_000_000) },
        { session: '"quoted"' },
        { session: '' },
        { type: 'Robert"); drop' },
        { seq: -1 },
        { seq: 2 ** 60 },
        { seq: 7 },
        { session: null },
        { issuedAt: Number.NaN },
        { salt: new Uint8Array(31) },
        { envelope: utf8('{"payload":') },
        { envelope: utf8('null') },
        { envelope: utf8('{"payload":7}') },
        { envelope: Uint8Array.of(0xff, 0xfe) },
        { digest: 'ab'.repeat(32) as LedgerEntry['digest'] },
      ];
      for (const part of hostile) {
        const batch = { writer: 'w', from: 0, entries: [good, { ...good, ...part }] };
        await expect(writer.append(batch), JSON.stringify(part).slice(0, 80)).rejects.toMatchObject({
          code: 'BAD_ENTRY',
        });
      }
      for (const bad of [{ writer: 'w\0' }, { writer: '' }, { from: -1 }, { from: 0.5 }, { entries: [] }]) {
        const batch = { writer: 'w', from: 0, entries: [good], ...bad };
        await expect(writer.append(batch)).rejects.toMatchObject({ code: 'BAD_ENTRY' });
      }
      expect(await digests()).toEqual([]);
      const named = ['a\0"', '\ud800', 'x'.repeat(300)].map((id, seq) => {
        const statement = {
          ...A,
          type: 'session-record',
          seq,
          principal: { id },
          verdict: id,
          certificate_id: id,
        };
        return entryOf(statement, null, utf8(JSON.stringify(statement)));
      });
      const batch = { writer: 'w\'"', from: 0, entries: named };
      expect(await writer.append(batch)).toMatchObject({ added: 3 });
      expect(await writer.position('w\'"')).toBe(3);
    });

    it('takes statements of no session, and of a session without a place in it', async () => {
      const head = entryOf({ type: 'head', tenant: 'acme', count: 1 }, null);
      const egress = entryOf(
        { type: 'egress-certificate', tenant: 'acme', session: 's1' },
        new Uint8Array(0),
      );
      const batch = { writer: 'w', from: 0, entries: [head, egress, head] };
      expect(await writer.append(batch)).toMatchObject({ added: 2, repeated: 1, position: 3 });
    });

    it('lets a batch that contradicts fail alone among those that wait together', async () => {
      const sessions = ['a', 'b', 'c'].map((session) => entriesAfter(undefined, 2, { ...A, session }));
      const fork = entriesAfter(undefined, 1, { ...A, session: 'b', mark: 'fork' });
      const [one, two, three] = sessions as [LedgerEntry[], LedgerEntry[], LedgerEntry[]];
      const results = await Promise.allSettled([
        writer.append({ writer: 'w', from: null, entries: one }),
        writer.append({ writer: 'w', from: null, entries: two }),
        writer.append({ writer: 'w', from: null, entries: fork }),
        writer.append({ writer: 'w', from: null, entries: three }),
      ]);
      expect(results.map(({ status }) => status)).toEqual([
        'fulfilled',
        'fulfilled',
        'rejected',
        'fulfilled',
      ]);
      expect(await digests()).toEqual([...of(one), ...of(two), ...of(three)]);
    });

    it('is one log with one order, whatever two sequencers are sent, cut as it may be, twice or more', async () => {
      const cut = fc.record({
        by: fc.integer({ min: 0, max: 1 }),
        size: fc.integer({ min: 1, max: 40 }),
        back: fc.nat(30),
      });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(cut, { minLength: 2, maxLength: 12 }), async (cuts) => {
          const own = await open();
          try {
            const sequencers = [await own.writer(), await own.writer()];
            const shown: LedgerAppended[] = [];
            const logs = [0, 1].map((log) => mixed(`${run}-${log}`));
            run++;
            const send = async (which: number) => {
              const entries = logs[which] as LedgerEntry[];
              for (const { by, size, back } of cuts) {
                const sequencer = sequencers[by === 0 ? which : 1 - which] as LedgerWriter;
                const name = `w${which}`;
                const from = Math.max(0, (await sequencer.position(name)) - back);
                const batch: LedgerBatch = {
                  writer: name,
                  from,
                  entries: entries.slice(from, from + size + back),
                };
                if (batch.entries.length > 0) shown.push(await sequencer.append(batch));
              }
              return sequencers[0]?.position(`w${which}`) ?? 0;
            };
            const ends = await Promise.all([send(0), send(1)]);
            const stored = await own.stored();
            expect(stored.map(({ index }) => index)).toEqual(stored.map((_, place) => place));
            for (const [which, end] of ends.entries()) {
              const sent = new Set(of((logs[which] as LedgerEntry[]).slice(0, end)));
              expect(stored.filter(({ digest }) => sent.has(digest as LedgerEntry['digest']))).toHaveLength(
                end,
              );
            }
            expect(stored).toHaveLength((ends[0] ?? 0) + (ends[1] ?? 0));
            await expectOneHistory(
              shown.map(({ checkpoint }) => checkpoint),
              await own.leafHashes(),
            );
          } finally {
            await own.close();
          }
        }),
        { numRuns: 4 },
      );
    });

    it('answers with a checkpoint that has everything of the batch in it', async () => {
      const entries = entriesAfter(undefined, 300, A);
      const { checkpoint } = await writer.append({ writer: 'w', from: 0, entries });
      const leaves = entries.map(({ salt, envelope }) =>
        leafHash(crypto, crypto.sha256(Buffer.concat([salt, envelope]))),
      );
      expect(await ledger.leafHashes()).toEqual(leaves);
      await expectOneHistory([checkpoint], leaves);
    });
  });
}

/** Three sessions whose statements take turns, and one that belongs to none. */
function mixed(mark: string): LedgerEntry[] {
  const sessions = [0, 1, 2].map((number) =>
    entriesAfter(undefined, 60, { tenant: `t${number}`, session: `${mark}/${number}` }),
  );
  const turns = Array.from({ length: 60 }, (_, turn) =>
    sessions.map((entries) => entries[turn] as LedgerEntry),
  );
  return [entryOf({ type: 'head', tenant: 'acme', count: 0, mark }), ...turns.flat()];
}
