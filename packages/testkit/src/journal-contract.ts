import type { Commit, Journal, StoredStatement } from '@provability-fabric/enforcement';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitOf, headAfter } from './statement-source.ts';

/** One journal under test. */
export interface JournalUnderTest {
  readonly journal: Journal;
  /** Closes it and opens what is left of it; absent where nothing outlives the process. */
  readonly reopen?: () => Promise<Journal>;
  readonly close: () => Promise<void>;
}

/** What every journal has to keep to, whatever it stores in. `open` makes an empty one. */
export function journalContract(name: string, open: () => Promise<JournalUnderTest>): void {
  describe(`the journal contract, kept by ${name}`, () => {
    let opened: JournalUnderTest;
    let journal: Journal;

    beforeEach(async () => {
      opened = await open();
      journal = opened.journal;
    });
    afterEach(() => opened.close());

    const stale = (seq: number) => ({ ok: false, code: 'STALE_SESSION', seq });

    it('refuses a commit onto a session that has moved on, and says where it is', async () => {
      const first = commitOf('acme', 's1', undefined, 3);
      await journal.commit(first);
      expect(await journal.commit(commitOf('acme', 's1', undefined, 1, 'other'))).toEqual(stale(2));
      const behind = { seq: 1, digest: first.entries[1]?.digest as (typeof first.entries)[0]['digest'] };
      expect(await journal.commit(commitOf('acme', 's1', behind))).toEqual(stale(2));
      await expectSession(journal, 'acme', 's1', [first]);
    });

    it('refuses a commit onto the right seq with another digest', async () => {
      const first = commitOf('acme', 's1', undefined);
      await journal.commit(first);
      const forged = { seq: 0, digest: headAfter(commitOf('acme', 's2', undefined)).digest };
      expect(await journal.commit(commitOf('acme', 's1', forged))).toEqual(stale(0));
      await expectSession(journal, 'acme', 's1', [first]);
    });

    it('refuses a commit that continues a session which was never begun', async () => {
      const unknown = headAfter(commitOf('acme', 's1', undefined));
      expect(await journal.commit(commitOf('acme', 's1', unknown))).toEqual(stale(-1));
      expect(journal.head('acme', 's1')).toBeUndefined();
    });

    it('throws on entries with a gap and keeps none of them', async () => {
      const { entries, ...rest } = commitOf('acme', 's1', undefined, 3);
      const gap = entries.filter(({ seq }) => seq !== 1);
      await expect(journal.commit({ ...rest, entries: gap })).rejects.toThrow();
      await expect(journal.commit({ ...rest, entries: [] })).rejects.toThrow();
      expect(journal.head('acme', 's1')).toBeUndefined();
      expect(await statementsOf(journal, 'acme', 's1')).toEqual([]);
    });

    it('lets exactly one of several commits onto one head through', async () => {
      const rivals = Array.from({ length: 8 }, (_, i) => commitOf('acme', 's1', undefined, 1, `rival ${i}`));
      const results = await Promise.all(rivals.map((rival) => journal.commit(rival)));
      expect(results.filter(({ ok }) => ok)).toHaveLength(1);
      const winner = rivals[results.findIndex(({ ok }) => ok)] as Commit;
      await expectSession(journal, 'acme', 's1', [winner]);
    });

    it('applies commits of one session in the order they were made, answered or not', async () => {
      const commits: Commit[] = [];
      for (let i = 0; i < 20; i++) {
        const previous = commits.at(-1);
        commits.push(commitOf('acme', 's1', previous && headAfter(previous), 1 + (i % 3)));
      }
      const results = await Promise.all(commits.map((commit) => journal.commit(commit)));
      expect(results.every(({ ok }) => ok)).toBe(true);
      await expectSession(journal, 'acme', 's1', commits);
    });

    it('gives the entries of one commit neighbouring indices, beginning with the answered one', async () => {
      const others = Array.from({ length: 10 }, (_, i) =>
        journal.commit(commitOf('acme', `o${i}`, undefined, 2)),
      );
      const result = await journal.commit(commitOf('acme', 's1', undefined, 4));
      await Promise.all(others);
      const stored = await statementsOf(journal, 'acme', 's1');
      if (!result.ok) throw new Error('the commit was stale');
      expect(stored.map(({ index }) => index - result.firstIndex)).toEqual([0, 1, 2, 3]);
    });

    it('keeps sessions of one name in two tenants apart', async () => {
      const [ours, theirs] = [commitOf('acme', 's1', undefined), commitOf('globex', 's1', undefined, 2)];
      await journal.commit(ours);
      await journal.commit(theirs);
      await expectSession(journal, 'acme', 's1', [ours]);
      await expectSession(journal, 'globex', 's1', [theirs]);
      expect(journal.head('acme', 's2')).toBeUndefined();
      expect(await statementsOf(journal, 'initech', 's1')).toEqual([]);
    });

    it('may be committed to while a session is read', async () => {
      const first = commitOf('acme', 's1', undefined, 3);
      await journal.commit(first);
      let [head, read] = [headAfter(first), 0];
      for await (const { seq } of journal.readSession('acme', 's1')) {
        expect(seq).toBe(read++);
        if (read > 3) continue;
        const next = commitOf('acme', 's1', head);
        await journal.commit(next);
        head = headAfter(next);
      }
      expect(read).toBeGreaterThanOrEqual(3);
      expect(await statementsOf(journal, 'acme', 's1')).toHaveLength(6);
    });

    it('agrees with a model on any interleaving of sessions, stale commits included', async () => {
      let round = 0;
      const action = fc.record({
        session: fc.nat(3),
        count: fc.integer({ min: 1, max: 3 }),
        lateBy: fc.nat(1),
        wait: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(action, { maxLength: 20 }), async (actions) => {
          const tenant = `t${round++}`;
          const model = new Map<string, Commit[]>();
          const answers: Promise<unknown>[] = [];
          for (const { session: number, count, lateBy, wait } of actions) {
            const session = `s${number}`;
            const commits = model.get(session) ?? [];
            const onto = commits.at(-1 - lateBy);
            const isStale = lateBy > 0 && commits.length > 0;
            const commit = commitOf(tenant, session, onto && headAfter(onto), count, isStale ? 'late' : '');
            const answer = journal.commit(commit).then(({ ok }) => expect(ok).toBe(!isStale));
            answers.push(answer);
            if (!isStale) model.set(session, [...commits, commit]);
            if (wait) await answer;
          }
          await Promise.all(answers);
          for (const [session, commits] of model) await expectSession(journal, tenant, session, commits);
        }),
        { numRuns: 30 },
      );
    });

    it('has everything that it answered after it was opened again', async ({ skip }) => {
      if (opened.reopen === undefined) return skip(`${name} keeps nothing beyond the process`);
      const commits = [commitOf('acme', 's1', undefined, 2)];
      commits.push(commitOf('acme', 's1', headAfter(commits[0] as Commit)));
      const other = commitOf('globex', 's1', undefined);
      for (const commit of [...commits, other]) await journal.commit(commit);
      const again = await opened.reopen();
      await expectSession(again, 'acme', 's1', commits);
      await expectSession(again, 'globex', 's1', [other]);
      expect([...again.heads()]).toHaveLength(2);
      const next = commitOf('acme', 's1', headAfter(commits[1] as Commit));
      expect(await again.commit(next)).toEqual({ ok: true, firstIndex: 4 });
    });
  });
}

async function statementsOf(journal: Journal, tenant: string, session: string): Promise<StoredStatement[]> {
  const statements: StoredStatement[] = [];
  for await (const statement of journal.readSession(tenant, session)) statements.push(statement);
  return statements;
}

/** The session holds these commits, byte for byte, and ends where the last one says. */
async function expectSession(
  journal: Journal,
  tenant: string,
  session: string,
  commits: readonly Commit[],
): Promise<void> {
  const entries = commits.flatMap((commit) => commit.entries);
  const stored = await statementsOf(journal, tenant, session);
  const bytes = (value: Uint8Array | null) => value && Buffer.from(value).toString('hex');
  const plain = ({ seq, envelope, salt, record }: Omit<StoredStatement, 'index'>) => ({
    seq,
    envelope: bytes(envelope),
    salt: bytes(salt),
    record: bytes(record),
  });
  expect(stored.map(plain)).toEqual(entries.map(plain));
  expect([...stored].sort((a, b) => a.index - b.index)).toEqual(stored);
  const last = entries.at(-1);
  expect(journal.head(tenant, session)).toEqual({ tenant, session, seq: last?.seq, digest: last?.digest });
  const listed = [...journal.heads()].filter((head) => head.tenant === tenant && head.session === session);
  expect(listed).toEqual([journal.head(tenant, session)]);
}
