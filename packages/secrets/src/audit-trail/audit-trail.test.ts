import { asDigest } from '@provability-fabric/kernel';
import { inputRoot, parseInputRecord, parseSecretAccessDetails } from '@provability-fabric/statements';
import { MemoryJournal } from '@provability-fabric/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SecretAccess } from '../audit.ts';
import { access, crypto, LOG_ID, type MemoryRows, statementsIn, trailOn } from './audit-trail.fixture.ts';

const session = (number: number) => `secrets:${LOG_ID}:${number}`;
const unavailable = { code: 'AUDIT_UNAVAILABLE' };

/** Every row names a statement that says the same, and every chain is whole. */
function expectInvariant(journal: MemoryJournal, rows: MemoryRows): void {
  const byDigest = new Map(journal.entries.map((entry, place) => [entry.digest, place]));
  const statements = statementsIn(journal);
  for (const row of rows.rows) {
    const place = byDigest.get(row.statementDigest);
    expect(place, `the statement of ${row.id}`).toBeDefined();
    const { access_id, tenant, principal, result } = statements[place as number] ?? {};
    expect({ access_id, tenant, principal, result }).toEqual({
      access_id: row.id,
      tenant: row.tenant,
      principal: row.principal,
      result: row.result,
    });
  }
  const ends = new Map<string, { seq: number; digest: string }>();
  for (const [place, statement] of statements.entries()) {
    const name = `${statement.tenant} ${statement.session}`;
    const last = ends.get(name);
    expect([statement.seq, statement.previous]).toEqual([(last?.seq ?? -1) + 1, last?.digest ?? null]);
    const number = Number(statement.session.split(':')[2]);
    const before = ends.get(`${statement.tenant} ${session(number - 1)}`)?.digest ?? null;
    expect(statement.continues).toBe(statement.seq === 0 ? before : null);
    ends.set(name, { seq: statement.seq, digest: journal.entries[place]?.digest as string });
  }
}

describe('the audit trail, when something fails', () => {
  it('refuses the access where the journal refuses the statement, and writes no row of it', async () => {
    const { journal, rows, trail } = trailOn();
    journal.failure = new Error('no space left');
    const results = await Promise.allSettled([
      trail.record(access()),
      trail.record(access({ tenant: 'globex' })),
    ]);
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: unavailable });
    expect([journal.entries.length, rows.appends]).toEqual([0, 0]);
    expect(trail.health().join()).toContain('journal');
    journal.failure = undefined;
    await trail.record(access());
    expect([trail.health(), rows.rows.length]).toEqual([[], 1]);
    expectInvariant(journal, rows);
  });

  it('refuses the access where the table refuses the row: what is left is a statement without a row', async () => {
    const { journal, rows, trail } = trailOn();
    rows.failure = new Error('the database is gone');
    await expect(trail.record(access())).rejects.toMatchObject(unavailable);
    expect([journal.entries.length, rows.rows.length]).toEqual([1, 0]);
    expect(trail.health().join()).toContain('secret_audit_logs');
    rows.failure = undefined;
    await trail.record(access());
    expect(trail.health()).toEqual([]);
    expectInvariant(journal, rows);
  });

  it('answers nobody before both are durable, and lets the next statements go ahead of slow rows', async () => {
    const { journal, rows, trail } = trailOn();
    let open = () => {};
    rows.door = new Promise((resolve) => (open = resolve));
    let answered = 0;
    const first = trail.record(access()).then(() => answered++);
    await new Promise((resolve) => setImmediate(resolve));
    const second = trail.record(access()).then(() => answered++);
    await new Promise((resolve) => setImmediate(resolve));
    expect([journal.entries.length, answered]).toEqual([2, 0]);
    open();
    await Promise.all([first, second]);
    expect(answered).toBe(2);
    expectInvariant(journal, rows);
  });

  it('goes on where the session has moved, and gives up by name where it moves for ever', async () => {
    const journal = new MemoryJournal();
    const one = trailOn(journal);
    const commit = journal.commit.bind(journal);
    let strangers = 1;
    journal.commit = async (given) => {
      if (strangers-- > 0)
        await trailOn(journal, one.rows).trail.record(access({ principal: 'somebody else' }));
      return commit(given);
    };
    strangers = 1;
    await one.trail.record(access());
    expect(statementsIn(journal).map(({ principal }) => principal)).toEqual(['somebody else', 'agent-1']);
    expectInvariant(journal, one.rows);
    journal.commit = async () => ({ ok: false, code: 'STALE_SESSION', seq: 7 });
    await expect(one.trail.record(access())).rejects.toMatchObject(unavailable);
  });

  it('leaves nobody waiting where the journal cannot even say where it is', async () => {
    const { journal, trail } = trailOn();
    journal.head = () => {
      throw new Error('broken');
    };
    await expect(trail.record(access())).rejects.toMatchObject(unavailable);
  });

  it('refuses at once what is more than it may hold, and takes more afterwards', async () => {
    const { rows, trail } = trailOn(undefined, undefined, { most: 2 });
    const results = await Promise.allSettled([1, 2, 3].map(() => trail.record(access())));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(results[2]).toMatchObject({ reason: unavailable });
    await trail.record(access());
    expect([rows.rows.length, trail.waiting]).toEqual([3, 0]);
  });

  it('settles what was accepted when it closes, and takes nothing more', async () => {
    const { rows, trail } = trailOn();
    const accepted = [trail.record(access()), trail.record(access())];
    await Promise.all([trail.close(), trail.close()]);
    expect(rows.rows.length).toBe(2);
    await Promise.all(accepted);
    await expect(trail.record(access())).rejects.toMatchObject(unavailable);
  });

  it('keeps the invariant under any mixture of faults', async () => {
    const step = fc.record({
      tenant: fc.constantFrom('acme', 'globex'),
      fault: fc.constantFrom('none', 'none', 'journal', 'rows', 'restart'),
      count: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        let { journal, rows, trail } = trailOn(undefined, undefined, { sessionLength: 3 });
        let answered = 0;
        for (const { tenant, fault, count } of steps) {
          if (fault === 'restart') ({ trail } = trailOn(journal, rows, { sessionLength: 3 }));
          journal.failure = fault === 'journal' ? new Error('full') : undefined;
          rows.failure = fault === 'rows' ? new Error('gone') : undefined;
          const records = Array.from({ length: count }, () => trail.record(access({ tenant })));
          for (const { status } of await Promise.allSettled(records))
            if (status === 'fulfilled') answered += 1;
        }
        expect(rows.rows.length).toBe(answered);
        expect(journal.entries.length).toBeGreaterThanOrEqual(answered);
        expectInvariant(journal, rows);
      }),
      { numRuns: 100 },
    );
  });
});

describe('what cannot be recorded', () => {
  it('is refused before it can fail the others of its group', async () => {
    const { journal, rows, trail } = trailOn();
    const bad: readonly Partial<SecretAccess>[] = [
      { id: 'not-a-uuid' },
      { tenant: 'a b' },
      { tenant: '' },
      { principal: '' },
      { principal: 'x'.repeat(256) },
      { principal: 'half \ud800' },
      { secret: 'a\u0000b' },
      { version: 0 },
      { version: 1.5 },
      { errorCode: 'it said: hunter2' },
      { action: 'read' as never },
      { at: Number.NaN },
      { at: 1e15 },
      { details: { __proto__: null, 'a b': 1 } as never },
      { details: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`d${i}`, i])) },
    ];
    const good = trail.record(access());
    for (const change of bad)
      await expect(trail.record(access(change)), JSON.stringify(change)).rejects.toMatchObject(unavailable);
    await good;
    expect([journal.entries.length, rows.rows.length]).toEqual([1, 1]);
  });

  it('does not include what a client makes of the details: they are cut and cleaned', async () => {
    const { journal, rows, trail } = trailOn();
    const odd = {
      client: `a\u0000\ud800${'x'.repeat(300)}`,
      big: 2 ** 60,
      none: Number.NaN,
      half: 0.5,
      ok: true,
    };
    await trail.record(access({ details: odd }));
    const kept = {
      client: `a\ufffd\ufffd${'x'.repeat(197)}`,
      big: String(2 ** 60),
      none: 'NaN',
      half: 0.5,
      ok: true,
    };
    expect(rows.rows[0]?.details).toEqual(kept);
    const record = parseInputRecord(
      JSON.parse(new TextDecoder().decode(journal.entries[0]?.record as Uint8Array)),
    );
    expect(parseSecretAccessDetails(record)).toEqual({ access_id: rows.rows[0]?.id, details: kept });
    expect(inputRoot(crypto, record)).toBe(statementsIn(journal)[0]?.details_root);
  });
});

describe('the statements', () => {
  it('say what was done, to which secret and by whom, and nothing of the details', async () => {
    const { journal, rows, trail } = trailOn();
    const given = access({ version: 3, details: { tool: 'send_mail' } });
    await trail.record(given);
    const [statement] = statementsIn(journal);
    expect(statement).toEqual({
      type: 'secret-access',
      tenant: 'acme',
      session: session(0),
      seq: 0,
      previous: null,
      continues: null,
      access_id: given.id,
      principal: 'agent-1',
      action: 'READ',
      secret: 'db/primary',
      version: 3,
      result: 'SUCCESS',
      error_code: null,
      provider: 'embedded',
      details_root: expect.stringMatching(/^[0-9a-f]{64}$/),
      issued_at: '2026-01-01T00:00:00.000Z',
    });
    expect(rows.rows).toEqual([{ ...given, statementDigest: journal.entries[0]?.digest }]);
  });

  it('of one change never share a millisecond, so that none is taken for a repeat of another', async () => {
    const { journal, rows, trail } = trailOn();
    const { id } = access();
    for (const result of ['STARTED', 'STARTED', 'SUCCESS'] as const)
      await trail.record(access({ id, result }));
    await trail.record(access());
    const at = access().at;
    expect(rows.rows.map((row) => row.at - at)).toEqual([0, 1, 2, 0]);
    const issued = statementsIn(journal).map(({ issued_at }) => Date.parse(issued_at) - at);
    expect(issued).toEqual([0, 1, 2, 0]);
    const others = Array.from({ length: 5000 }, () => trail.record(access({ result: 'STARTED' })));
    await Promise.all(others);
    await trail.record(access({ id }));
    expect(rows.rows.at(-1)?.at).toBe(at);
  });

  it('of many callers go into few commits, in the order in which they came, tenant by tenant', async () => {
    const { journal, rows, trail } = trailOn();
    let commits = 0;
    const commit = journal.commit.bind(journal);
    journal.commit = (given) => {
      commits += 1;
      return commit(given);
    };
    const given = Array.from({ length: 200 }, (_, i) => access({ tenant: i % 2 === 0 ? 'acme' : 'globex' }));
    await Promise.all(given.map((one) => trail.record(one)));
    expect(commits).toBeLessThanOrEqual(6);
    for (const tenant of ['acme', 'globex'])
      expect(statementsIn(journal).flatMap((s) => (s.tenant === tenant ? [s.access_id] : []))).toEqual(
        given.flatMap((one) => (one.tenant === tenant ? [one.id] : [])),
      );
    expectInvariant(journal, rows);
  });

  it('go into the next session when one is full, which names the last of it, also after a restart', async () => {
    const { journal, rows, trail } = trailOn(undefined, undefined, { sessionLength: 4 });
    await Promise.all(Array.from({ length: 9 }, () => trail.record(access())));
    for (let i = 0; i < 5; i++) await trailOn(journal, rows, { sessionLength: 4 }).trail.record(access());
    const counts = new Map<string, number>();
    for (const { session } of statementsIn(journal)) counts.set(session, (counts.get(session) ?? 0) + 1);
    expect([...counts]).toEqual([0, 1, 2, 3].map((number) => [session(number), number === 3 ? 2 : 4]));
    expectInvariant(journal, rows);
  });

  it('find the newest session among many without reading them', async () => {
    const { journal, trail } = trailOn();
    const lengths = [1, 2, 3, 7, 8, 1000, 123_456];
    for (const last of lengths) {
      let asked = 0;
      journal.head = (tenant, name) => {
        asked += 1;
        const number = Number(name.split(':')[2]);
        return number > last
          ? undefined
          : { tenant, session: name, seq: 5, digest: asDigest('cd'.repeat(32)) };
      };
      let committed: unknown;
      journal.commit = async (given) => {
        committed = given;
        return { ok: true, firstIndex: 0 };
      };
      await trail.record(access());
      expect(committed).toMatchObject({ session: session(last), expectedSeq: 5 });
      expect(asked).toBeLessThan(50);
    }
  });
});
