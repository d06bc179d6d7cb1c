import { base64, fromBase64, fromUtf8, utf8 } from '@provability-fabric/kernel';
import { inputRecord, type SecretAccessStatement } from '@provability-fabric/statements';
import { describe, expect, it } from 'vitest';
import { LOG, TestAccesses } from './accesses.fixture.ts';
import { crypto, deskBundle } from './bundle.fixture.ts';
import { type EvidenceJson, TestLog } from './log.fixture.ts';
import { jsonReport } from './report-json.ts';
import { tableReport } from './report-table.ts';
import { TestSession } from './session.fixture.ts';
import { jsonOf } from './story.fixture.ts';
import { check, standings, wrong } from './verification.fixture.ts';

const session = (number: number) => `secrets:${LOG}:${number}`;

/** Four accesses in two sessions, beside an agent's session, and another tenant's. */
function evidence(options: Parameters<TestLog['export']>[1] = {}): EvidenceJson {
  const log = new TestLog();
  const bundle = deskBundle();
  const agent = new TestSession(log, bundle, 's1');
  const accesses = new TestAccesses(log);
  accesses.add();
  agent.call('read_ticket', { id: 1 });
  accesses.add({ action: 'WRITE', result: 'STARTED', version: null });
  accesses.add({ result: 'DENIED', error_code: 'SECRET_FORBIDDEN', secret: '-', version: null });
  new TestAccesses(log, 'globex').add();
  accesses.add({ action: 'ROTATE' });
  return log.export([jsonOf(bundle)], options);
}

/** The file without its entry of that log index. */
function without(dropped: number): EvidenceJson {
  return evidence({ keep: (index) => index !== dropped });
}

function indexOf(file: EvidenceJson, wanted: string, seq: number): number {
  return file.entries.findIndex(({ envelope }) => {
    const statement = JSON.parse(fromUtf8(fromBase64(envelope.payload))) as SecretAccessStatement;
    return statement.session === wanted && statement.seq === seq && statement.tenant === 'acme';
  });
}

/** The file with an entry's statement changed; its signature is as it was. */
function changed(number: number, seq: number, change: Partial<SecretAccessStatement>): EvidenceJson {
  const file = evidence();
  const entry = file.entries[indexOf(file, session(number), seq)] as EvidenceJson['entries'][number];
  const statement = JSON.parse(fromUtf8(fromBase64(entry.envelope.payload)));
  const keys = Object.keys(statement);
  const payload = base64(
    utf8(JSON.stringify(Object.fromEntries(keys.map((key) => [key, { ...statement, ...change }[key]])))),
  );
  entry.envelope = { ...entry.envelope, payload };
  return file;
}

/** What a writer who has the key signed. */
function lied(lie: (accesses: TestAccesses) => void): readonly string[] {
  const log = new TestLog();
  lie(new TestAccesses(log));
  return wrong(log.export([]));
}

describe('accesses to secrets in an evidence file', () => {
  it('are named where one was changed, whatever of it', () => {
    const place = `${session(0)}/1`;
    for (const change of [
      { action: 'READ' },
      { result: 'SUCCESS' },
      { principal: 'somebody else' },
      { secret: 'other' },
      { version: 3 },
      { access_id: '00000000-0000-4000-8000-999999999999' },
      { issued_at: '2027-01-01T00:00:00.000Z' },
    ] as const) {
      const found = wrong(changed(0, 1, change));
      expect(found, JSON.stringify(change)).toContain(`ENVELOPE_SIGNATURE ${place}`);
      expect(found).toContain(`INCLUSION ${place}`);
      expect(found).toContain(`CHAIN ${session(0)}/2`);
    }
  });

  it('are named where one is another tenant’s, or was dropped, from the beginning, the middle or the end', () => {
    const moved = wrong(changed(0, 1, { tenant: 'globex' }));
    expect(moved).toContain(`ENVELOPE_SIGNATURE ${session(0)}/1`);
    expect(moved).toContain(`CHAIN ${session(0)}/2`);
    const whole = evidence();
    const at = (number: number, seq: number) => indexOf(whole, session(number), seq);
    expect(wrong(without(at(0, 0)))).toContain(`CHAIN ${session(0)}/1`);
    expect(wrong(without(at(0, 1)))).toContain(`CHAIN ${session(0)}/2`);
    expect(wrong(without(at(0, 2)))).toEqual([`CHAIN ${session(1)}/0`]);
  });

  it('are named where two were exchanged', () => {
    const file = evidence();
    const [one, two] = [indexOf(file, session(0), 1), indexOf(file, session(0), 2)];
    const entries = [...file.entries];
    const swapped = {
      ...file,
      entries: entries
        .with(one, { ...entries[two], index: one } as never)
        .with(two, { ...entries[one], index: two } as never),
    };
    const found = wrong(swapped);
    expect(found).toContain(`INCLUSION ${session(0)}/1`);
    expect(found).toContain(`CHAIN ${session(0)}/2`);
  });

  it('are named where the details are not those that were signed', () => {
    const file = evidence();
    const entry = file.entries[indexOf(file, session(0), 0)] as EvidenceJson['entries'][number];
    const [id, details] = entry.record?.leaves ?? [];
    entry.record = {
      leaves: [id as never, { ...(details as never as object), value: { tool: 'another' } } as never],
    };
    expect(wrong(file)).toEqual([`RECORD_ROOT ${session(0)}/0`]);
  });

  it('are named where the holder of the key signed what cannot be', () => {
    const foreign = inputRecord(crypto, { access_id: 'x', details: {} }, new Uint8Array(32));
    const D = 'cd'.repeat(32) as never;
    expect(lied((a) => a.add({}, { statement: { seq: 1 } }))).toEqual([`CHAIN ${session(0)}/1`]);
    expect(lied((a) => a.add({}, { statement: { continues: D } }))).toEqual([`CHAIN ${session(0)}/0`]);
    expect(lied((a) => a.add({}, { statement: { session: session(4) } }))).toEqual([`CHAIN ${session(4)}/0`]);
    expect(lied((a) => a.add({}, { statement: { session: 'secrets:x' } }))).toEqual(['CHAIN secrets:x/0']);
    expect(lied((a) => a.add({}, { statement: { session: 's1' } }))).toContain('CHAIN s1/0');
    expect(lied((a) => a.add({}, { record: foreign }))).toEqual([`RECORD_ROOT ${session(0)}/0`]);
    const later = lied((a) => {
      a.add();
      a.add({}, { statement: { continues: D } });
    });
    expect(later).toEqual([`CHAIN ${session(0)}/1`]);
  });

  it('do not let an agent’s statement hide among them', () => {
    const log = new TestLog();
    const bundle = deskBundle();
    new TestSession(log, bundle, session(0)).call('read_ticket', { id: 1 });
    expect(wrong(log.export([jsonOf(bundle)]))).toEqual([0, 1, 2].map((seq) => `CHAIN ${session(0)}/${seq}`));
  });

  it('hold, beside sessions that are derived anew, and are signature only', () => {
    const verification = check(evidence(), { require: ['re-derived', 'complete'] });
    expect(verification.failures).toEqual([]);
    expect(standings(verification).filter((line) => line.startsWith('secrets:'))).toEqual([
      ...[0, 1, 2].map((seq) => `${session(0)}/${seq} signature only`),
      `${session(0)}/0 signature only`,
      `${session(1)}/0 signature only`,
    ]);
    expect(standings(verification)).toContain('s1/1 re-derived');
  });

  it('hold without their details too, but not where all of it is demanded', () => {
    const log = new TestLog();
    new TestAccesses(log).add({}, { record: null });
    expect(wrong(log.export([]))).toEqual([]);
    expect(wrong(log.export([]), { require: ['re-derived'] })).toEqual([`REQUIREMENT ${session(0)}/0`]);
  });

  it('are told in the reports: what was done, with which secret, and what came of it', () => {
    const verification = check(evidence());
    const table = tableReport(verification, false);
    expect(table).toContain(`session ${session(0)} of acme`);
    expect(table).toMatch(/READ +db\/primary +SUCCESS +signature only: an access is a fact/);
    expect(table).toMatch(/READ +- +DENIED/);
    const { events } = JSON.parse(jsonReport(verification));
    expect(events.find((event: { what: string }) => event.what === 'ROTATE')).toMatchObject({
      target: 'db/primary',
      verdict: 'SUCCESS',
      effect: null,
      status: 'signature only',
    });
  });
});
