import type { JsonValue } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { ALICE, approve, BOB, held, say, withHold } from '../checks/holds/held-calls.fixture.ts';
import { HandlingSession, hidingBundle, SECRET } from '../handles/handling-session.fixture.ts';
import { handleFacts, shownOutcome } from '../handles/show-outcome.ts';
import type { IntentInput } from '../input.ts';
import { AGENT, TestSession } from '../session.fixture.ts';
import { explainIntent } from './explain-intent.ts';
import { type PastResult, pastResult } from './past-results.ts';

function intent(target: string, args: JsonValue): IntentInput {
  return {
    kind: 'intent',
    at: 1_000_000,
    certificate_id: 'asked',
    principal: AGENT,
    capability: null,
    action: { kind: 'call', target, args },
    epoch: 1,
    attributes: {},
  };
}

describe('a handle', () => {
  const session = new HandlingSession(hidingBundle());
  const read = (target: string, result: JsonValue, place: number): PastResult => {
    const { id } = session.ask(target, {});
    const before = session.state;
    const happened = { certificate_id: id, outcome: 'done', result } as const;
    const handles = handleFacts(session.bundle, before, happened, () => session.newHandle());
    const input = { kind: 'outcome', at: 1_000_000, ...happened, ...(handles && { handles }) } as const;
    return pastResult(place, before, input, session.feed(input)) as PastResult;
  };
  const past = [read('vault', 'launch code 11', 2), read('vault', 'launch code 12', 10)];
  const shown = past[1]?.handles[0] as string;

  it('of two results of one tool is of the one that it was made for, and says what it carries', () => {
    expect(past.map(({ handles }) => handles.length)).toEqual([1, 1]);
    const { arguments: values } = explainIntent(
      session.bundle,
      session.state,
      intent('send', { body: shown, note: 'launch code 12' }),
      past,
    );
    expect(values).toMatchObject([
      { pointer: '/body', sources: [], hidden: { place: 10, tool: 'vault', field: '', label: SECRET } },
      { pointer: '/note', hidden: null },
    ]);
  });

  it('of a result that is not known any more has no place', () => {
    const { arguments: values } = explainIntent(session.bundle, session.state, intent('send', [shown]), []);
    expect(values[0]?.hidden).toMatchObject({ place: null, tool: 'vault' });
  });

  it('stands for nothing where the result was shown', () => {
    expect(read('look', 'nothing special', 20).handles).toEqual([]);
    expect(shownOutcome(session.state, 'nobody', 'x')).toBeUndefined();
  });
});

describe('an approval', () => {
  it('is named where an action goes ahead because of it, and nowhere else', () => {
    const session = new TestSession(withHold());
    const ticket = held(session);
    const approvals = (args: object = { to: 'x' }) =>
      explainIntent(session.bundle, session.state, intent('pay', args as JsonValue), []).approvals;
    expect(approvals()).toEqual([]);
    approve(session, ticket);
    const at = session.state.time;
    expect(approvals()).toEqual([{ clause: 'big', by: [{ id: ALICE.id, at }] }]);
    expect(approvals({ to: 'mallory' })).toEqual([]);
    say(session, ticket, BOB, 'deny');
    expect(approvals()).toEqual([]);
  });
});
