import { describe, expect, it } from 'vitest';
import { deskBundle } from './bundle.fixture.ts';
import { TestLog } from './log.fixture.ts';
import { TestSession } from './session.fixture.ts';
import { jsonOf, story } from './story.fixture.ts';
import { summarise } from './summary.ts';
import { check, standings, wrong } from './verification.fixture.ts';

const told = story();

describe('an honest evidence file', () => {
  it('verifies, with every event derived anew, over two sessions side by side and a change of bundle', () => {
    const verification = check(told.evidence());
    expect(verification.failures).toEqual([]);
    expect(new Set(standings(verification).map((line) => line.split(' ')[1]))).toEqual(
      new Set(['re-derived']),
    );
    expect(verification.events).toHaveLength(told.log.entries.length);
    expect(verification.checkpoint).toMatchObject({
      origin: 'example.org/log',
      size: told.log.entries.length,
    });
  });

  it('tells the story: allowed, refused, failed, ambiguous, weakened', () => {
    const lines = summarise(check(told.evidence())).map(
      ({ session, what, target, verdict, effect }) =>
        `${session} ${[what, target, verdict, effect].filter(Boolean).join(' ')}`,
    );
    expect(lines).toEqual([
      's1 open desk version 1',
      's1 prompt',
      's1 call read_ticket accept allow',
      's1 outcome read_ticket done',
      's1 call send_mail reject block',
      's1 call send_mail accept allow',
      's1 outcome send_mail done',
      's1 call send_mail accept allow',
      's1 outcome send_mail ambiguous',
      's1 bundle desk version 2',
      's1 call send_mail reject block',
      's1 outcome send_mail done',
      's1 call read_customer accept allow',
      's1 outcome read_customer done',
      's1 call send_mail reject block',
      's2 open desk version 1',
      's2 call delete_file reject block',
      's2 call pay accept allow',
      's2 outcome pay failed',
      's2 call pay reject block',
      's2 mode monitor',
      's2 call pay error allow',
      's2 outcome pay done',
      's2 epoch 2',
      's2 tick',
      's2 read kb://faq accept allow',
    ]);
  });

  it('may hold some sessions of the log only, and says how much of it', () => {
    const some = check(
      told.log.export([told.bundles[0] as never], { keep: (index) => sessionOf(index) === 's2' }),
    );
    expect(some.failures).toEqual([]);
    expect([some.entries, some.checkpoint?.size]).toEqual([11, 26]);
  });

  it('is refused as incomplete where every entry of the log is demanded', () => {
    const all = told.evidence();
    expect(wrong(all, { require: ['complete', 're-derived'] })).toEqual([]);
    const shorter = { ...all, entries: all.entries.slice(0, -1) };
    expect(wrong(shorter)).toEqual([]);
    expect(wrong(shorter, { require: ['complete'] })).toEqual(['REQUIREMENT']);
  });
});

describe('a file with records erased', () => {
  const erase = (...indexes: number[]) => {
    const evidence = told.evidence();
    for (const index of indexes) (evidence.entries[index] as { record: null }).record = null;
    return evidence;
  };

  it('takes the facts on trust from there on in that session, and in no other', () => {
    const evidence = erase(indexOf('s1', 4));
    expect(wrong(evidence)).toEqual([]);
    const lines = standings(check(evidence));
    expect(lines.filter((line) => line.startsWith('s1'))).toEqual([
      ...[0, 1, 2, 3].map((seq) => `s1/${seq} re-derived`),
      ...[4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14].map((seq) => `s1/${seq} facts trusted`),
    ]);
    expect(lines.filter((line) => line.startsWith('s2')).every((line) => line.endsWith('re-derived'))).toBe(
      true,
    );
    expect(wrong(evidence, { require: ['re-derived'] })).toHaveLength(11);
  });

  it('has only a signature for a session record without its record', () => {
    const lines = standings(check(erase(indexOf('s1', 1))));
    expect(lines.slice(0, 3)).toEqual(['s1/0 re-derived', 's1/1 signature only', 's1/2 facts trusted']);
  });

  it('still verifies with every record gone', () => {
    const evidence = erase(...told.log.entries.keys());
    expect(wrong(evidence)).toEqual([]);
    expect(new Set(standings(check(evidence)).map((line) => line.split(' ').slice(1).join(' ')))).toEqual(
      new Set(['signature only', 'facts trusted']),
    );
  });
});

describe('a file without a bundle', () => {
  it('has only signatures for the events under it', () => {
    const evidence = { ...told.evidence(), bundles: [told.bundles[1] as never] };
    expect(wrong(evidence)).toEqual([]);
    const lines = standings(check(evidence));
    expect(lines[8]).toBe('s1/8 signature only');
    // The change of bundle folds the recorded inputs anew: from there on all is derived again.
    expect(lines.slice(9, 15)).toEqual([9, 10, 11, 12, 13, 14].map((seq) => `s1/${seq} re-derived`));
    expect(wrong(evidence, { require: ['re-derived'] })).toContain('REQUIREMENT s1/8');
  });
});

describe('the emergency mode and high assurance', () => {
  it.each(['shadow', 'monitor', 'disabled'] as const)(
    'derives and trusts what was let through under %s',
    (mode) => {
      const log = new TestLog();
      const bundle = deskBundle();
      const session = new TestSession(log, bundle);
      session.mode(mode);
      session.call('delete_file');
      session.call('send_mail', { to: 'x' });
      session.call('unheard_of');
      session.ask('unheard_of', {}, {}, 'read');
      session.after(-60_000).ask('pay', { amount: 'x' });
      const evidence = log.export([jsonOf(bundle)]);
      expect(wrong(evidence)).toEqual([]);
      for (const entry of evidence.entries) entry.record = null;
      expect(wrong(evidence)).toEqual([]);
    },
  );

  it('weakens nothing under high assurance', () => {
    const log = new TestLog();
    const bundle = deskBundle({ assurance: 'high' });
    const session = new TestSession(log, bundle);
    session.mode('shadow');
    session.call('delete_file');
    const evidence = log.export([jsonOf(bundle)]);
    expect(check(evidence).events.at(-1)?.entry.statement).toMatchObject({ effect: 'block' });
    expect(wrong(evidence)).toEqual([]);
    for (const entry of evidence.entries) entry.record = null;
    expect(wrong(evidence)).toEqual([]);
  });
});

function sessionOf(index: number): string {
  return placeOf(index).session;
}

function indexOf(session: string, seq: number): number {
  return told.log.entries.findIndex(
    (_, index) => placeOf(index).session === session && placeOf(index).seq === seq,
  );
}

function placeOf(index: number): { session: string; seq: number } {
  const { payload } = told.log.entries[index]?.envelope ?? { payload: '' };
  return JSON.parse(Buffer.from(payload, 'base64').toString('utf8'));
}
