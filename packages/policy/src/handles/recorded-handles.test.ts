import { describe, expect, it } from 'vitest';
import type { Input } from '../input.ts';
import { parseInput } from '../parse-input.ts';
import { AGENT, codes, tool } from '../session.fixture.ts';
import { stateDigest } from '../state.ts';
import { type RecordedInput, refold } from '../step.ts';
import { MAX_HANDLES, MAX_VALUE_BYTES } from './handles-state.ts';
import {
  HANDLES,
  HandlingSession,
  hidingBundle,
  INTERNAL,
  SECRET,
  STRANGER,
} from './handling-session.fixture.ts';
import { underHandles } from './played-outcome.ts';
import { shownOutcome } from './show-outcome.ts';
import { WITHHELD } from './withheld-result.ts';

const ID = (last: string) => `pfh1_${'a'.repeat(31)}${last}`;

/** Keeps what it is fed, as a record does. */
class RecordingSession extends HandlingSession {
  readonly history: RecordedInput[] = [];

  override feed(input: Input) {
    const output = super.feed(input);
    // The opening comes before this class is ready.
    if (output.kind !== 'refused')
      this.history?.push({ input, ...(output.kind === 'decision' && { effect: output.effect }) });
    return output;
  }
}

describe('handles on record', () => {
  it('that are not those of the result are refused, and nothing moves', () => {
    const session = new HandlingSession(hidingBundle());
    const { id } = session.ask('read_mail');
    const before = session.digest;
    const outcome = { kind: 'outcome', at: 1, certificate_id: id, outcome: 'done', result: 'hello' } as const;
    const shown = session.bundle.digest;
    for (const input of [
      outcome,
      { ...outcome, handles: { ids: [], shown } },
      { ...outcome, handles: { ids: [ID('a'), ID('b')], shown } },
      { ...outcome, handles: { ids: ['no handle'], shown } },
      { ...outcome, handles: { ids: [ID('a')], shown } },
    ]) {
      expect(session.feed(input)).toMatchObject({ kind: 'refused' });
      expect(session.digest).toBe(before);
    }
    const looked = session.ask('look');
    const clear = { ...outcome, certificate_id: looked.id, handles: { ids: [ID('a')], shown } };
    expect(session.feed(clear)).toMatchObject({ kind: 'refused' });
  });

  it('are read back as they were written, and inputs without any as before', () => {
    const outcome = { kind: 'outcome', at: 1, certificate_id: 'c', outcome: 'done', result: 'x' } as const;
    expect(parseInput(outcome)).toEqual(outcome);
    const hidden = { ...outcome, handles: { ids: [ID('a')], shown: 'a'.repeat(64) } };
    expect(parseInput(hidden)).toEqual(hidden);
    for (const handles of [null, {}, { ids: [1], shown: 'a'.repeat(64) }, { ids: [], shown: 'a' }])
      expect(() => parseInput({ ...outcome, handles })).toThrow('in a decision input');
  });

  it('lead to the state of the live session, and each id to its value, when folded anew', () => {
    const session = new RecordingSession(hidingBundle());
    const handle = session.handleOf('read_mail', {}, 'hello');
    session.see('echo', { text: handle }, 'hello');
    const open: Input = {
      kind: 'open',
      at: 1_000_000,
      tenant: 'acme',
      session: 's',
      principal: AGENT.id,
      environment: session.state.environment,
      epoch: 1,
    };
    const folded = refold(session.bundle, [{ input: open }, ...session.history]);
    expect(stateDigest(session.bundle, folded)).toBe(session.digest);
  });

  it('of a bundle that hides otherwise are forgotten: what was hidden then counts as seen', () => {
    const session = new RecordingSession(hidingBundle());
    session.handleOf('vault', {}, 'code 12');
    session.see('look', {}, 'nothing');
    const open: Input = {
      kind: 'open',
      at: 1_000_000,
      tenant: 'acme',
      session: 's',
      principal: AGENT.id,
      environment: session.state.environment,
      epoch: 1,
    };
    const history = [{ input: open }, ...session.history];
    const { handles: _, ...ir } = session.bundle.ir;
    for (const other of [
      { ...session.bundle, ir },
      hidingBundle({ handles: { ...HANDLES, clearance: SECRET } }),
      hidingBundle({ tools: { vault: tool({ returns: SECRET, fields: { '/': INTERNAL } }) } }),
    ]) {
      const folded = refold(other, history);
      const isForgotten = folded.handles.values.size === 0;
      expect(folded.flow.label.level).toBe(isForgotten ? 'secret' : 'internal');
    }
    expect(refold({ ...session.bundle, ir }, history).handles.values.size).toBe(0);
    // The other way round: what was seen then has been seen.
    const clear = new RecordingSession(hidingBundle({ handles: { ...HANDLES, clearance: SECRET } }));
    expect(clear.see('vault', {}, 'code 12')).toBe('code 12');
    const refolded = refold(session.bundle, [{ input: open }, ...clear.history]);
    expect(refolded.flow.label).toMatchObject({ level: 'secret' });
  });

  it('have an end: what is too large, or too much, is withheld by name, and stays so', () => {
    const session = new HandlingSession(hidingBundle());
    const large = 'x'.repeat(MAX_VALUE_BYTES / 2);
    expect(session.see('read_mail', {}, large)).toBe(WITHHELD);
    expect(
      session.see('read_mail', {}, { content: [{ type: 'text', text: large }], isError: false }),
    ).toEqual({
      content: [{ type: 'text', text: WITHHELD }],
      isError: false,
    });
    expect(session.state.flow.label).toMatchObject({ level: 'public', integrity: 'trusted' });
    for (let made = 0; made < MAX_HANDLES; made += 1) session.handleOf('read_mail', {}, 'x');
    const { id } = session.ask('read_mail');
    session.settle(id, 'done', 'one more');
    expect(shownOutcome(session.state, id, 'one more')).toBe(WITHHELD);
  }, 30_000);

  it('are made up where a trace is played, the same each time, and those on record are kept', () => {
    const rules = hidingBundle();
    const outcome = {
      kind: 'outcome',
      at: 1,
      certificate_id: 'c0',
      outcome: 'done',
      result: 'hello',
    } as const;
    const session = new HandlingSession(rules);
    session.ask('read_mail');
    const made = underHandles(rules, session.state, outcome);
    expect(made).toMatchObject({ handles: { ids: [expect.stringMatching(/^pfh1_/)] } });
    expect(underHandles(rules, session.state, outcome)).toEqual(made);
    const recorded = { ...outcome, handles: { ids: [ID('a'), ID('b')], shown: rules.digest } };
    const played = underHandles(rules, session.state, recorded);
    expect(played).toMatchObject({ handles: { ids: [ID('a')] } });
    expect(session.feed(played)).toMatchObject({ kind: 'settled' });
    const { handles: _, ...ir } = rules.ir;
    const clear = new HandlingSession({ ...rules, ir });
    clear.ask('read_mail');
    expect(underHandles(clear.bundle, clear.state, recorded)).toEqual(outcome);
  });

  it('are for those whose role sees less', () => {
    const roles = [{ roles: ['reviewer'], clearance: STRANGER }];
    const session = new HandlingSession(hidingBundle({ handles: { ...HANDLES, roles } }));
    const reviewer = session.ask('read_mail', {}, { principal: { ...AGENT, roles: ['reviewer'] } });
    session.settle(reviewer.id, 'done', 'from a stranger');
    expect(shownOutcome(session.state, reviewer.id, 'from a stranger')).toBeUndefined();
    expect(session.state.flow.label).toEqual(STRANGER);
    session.handleOf('read_mail', {}, 'from a stranger');
  });

  it('leave nothing of a hidden value to be traced: the agent cannot find out by guessing', () => {
    const session = new HandlingSession(
      hidingBundle({
        tools: {
          post: tool({
            effect: 'egress',
            clearance: { ...SECRET, integrity: 'untrusted' },
            parameters: { '/text': { ...PLAIN, from: [{ kind: 'unknown' }] } },
          }),
        },
      }),
    );
    session.handleOf('read_mail', {}, 'the password is swordfish-99');
    expect(codes(session.ask('post', { text: 'the password is swordfish-99' }))).toEqual([]);
    expect(codes(session.ask('post', { text: 'the password is swordfish-98' }))).toEqual([]);
  });
});

const PLAIN = {
  from: null,
  endorse: [],
  trusted: false,
  same_tenant: false,
  member_of: null,
  stores: null,
  optional: false,
} as const;
