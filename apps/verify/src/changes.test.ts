import { base64, fromBase64, fromUtf8, utf8 } from '@provability-fabric/kernel';
import { inputRecord } from '@provability-fabric/statements';
import { describe, expect, it } from 'vitest';
import { LOG, TestAccesses, TestChanges } from './accesses.fixture.ts';
import { crypto } from './bundle.fixture.ts';
import { type EvidenceJson, TestLog } from './log.fixture.ts';
import { jsonReport } from './report-json.ts';
import { tableReport } from './report-table.ts';
import { check, standings, wrong } from './verification.fixture.ts';

const session = `changes:${LOG}:0`;

/** Three changes, and an access to a secret between them. */
function evidence(options: Parameters<TestLog['export']>[1] = {}): EvidenceJson {
  const log = new TestLog();
  const changes = new TestChanges(log);
  changes.add({ statement: { kind: 'change-refused', verdict: 'blocked', error_code: 'CHANGE_BLOCKED' } });
  new TestAccesses(log).add();
  changes.add();
  changes.add();
  return log.export([], options);
}

/** What a writer who has the key signed. */
function lied(lie: Parameters<TestChanges['add']>[0]): readonly string[] {
  const log = new TestLog();
  new TestChanges(log).add(lie);
  return wrong(log.export([]));
}

describe('governed changes in an evidence file', () => {
  it('are named where one was changed, whatever of it', () => {
    for (const change of [
      { kind: 'change-failed' },
      { principal: 'mallory' },
      { manifest: 'ef'.repeat(32) },
      { verdict: 'blocked' },
      { policy: { digest: 'cd'.repeat(32), version: 4 } },
      { commit: 'ab'.repeat(20) },
    ]) {
      const file = evidence();
      const entry = file.entries[2] as EvidenceJson['entries'][number];
      const statement = { ...JSON.parse(fromUtf8(fromBase64(entry.envelope.payload))), ...change };
      entry.envelope = { ...entry.envelope, payload: base64(utf8(JSON.stringify(statement))) };
      const found = wrong(file);
      expect(found, JSON.stringify(change)).toContain(`ENVELOPE_SIGNATURE ${session}/1`);
      expect(found).toContain(`CHAIN ${session}/2`);
    }
  });

  it('are named where one was left out', () => {
    expect(wrong(evidence({ keep: (index) => index !== 2 }))).toContain(`CHAIN ${session}/2`);
    expect(wrong(evidence({ keep: (index) => index !== 0 }))).toContain(`CHAIN ${session}/1`);
  });

  it('are named where the holder of the key signed what cannot be', () => {
    const digest = 'ef'.repeat(32) as never;
    const foreign = inputRecord(crypto, { change_id: 'x' }, new Uint8Array(32));
    expect(lied({ statement: { seq: 1 } })).toEqual([`CHAIN ${session}/1`]);
    expect(lied({ statement: { continues: digest } })).toEqual([`CHAIN ${session}/0`]);
    expect(lied({ statement: { session: 's1' } })).toContain('CHAIN s1/0');
    expect(lied({ statement: { session: `secrets:${LOG}:0` } })).toContain(`CHAIN secrets:${LOG}:0/0`);
    expect(lied({ statement: { change_id: '00000000-0000-4000-8000-999999999999' } })).toEqual([
      `RECORD_CONTENT ${session}/0`,
    ]);
    expect(lied({ record: foreign })).toEqual([`RECORD_ROOT ${session}/0`]);
  });

  it('hold beside accesses to secrets, are signature only, and are told', () => {
    const verification = check(evidence(), { require: ['re-derived', 'complete'] });
    expect(verification.failures).toEqual([]);
    expect(standings(verification)).toContain(`${session}/2 signature only`);
    expect(JSON.parse(jsonReport(verification)).events[0]).toMatchObject({
      what: 'change-refused',
      target: 'ab'.repeat(32),
      verdict: 'CHANGE_BLOCKED',
      because: 'a governed change is a fact: there is nothing to derive',
    });
  });

  it('are told apart in the table', () => {
    const log = new TestLog();
    const changes = new TestChanges(log);
    for (const kind of ['rollback-started', 'rollback-applied', 'change-applied'] as const)
      changes.add({ statement: { kind } });
    const table = tableReport(check(log.export([])), false);
    expect(table).toContain('     0  rollback-started  ');
    expect(table).toContain('     1  rollback-applied  ');
    expect(table).toContain('     2  change-applied    ');
  });
});
