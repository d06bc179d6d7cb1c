import type { JsonValue } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Input } from '../../input.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Decision } from '../../output.ts';
import { AGENT, ENFORCE, TestSession } from '../../session.fixture.ts';
import { initialState, stateDigest } from '../../state.ts';
import { type RecordedInput, refold, step } from '../../step.ts';
import { ALICE, BOB, CAROL, TWO_OF_THREE, withHold } from './held-calls.fixture.ts';
import type { Approver } from './open-tickets.ts';

function opening(at: number): Input {
  const about = { tenant: 'acme', session: 's', principal: AGENT.id, environment: ENFORCE, epoch: 1 };
  return { kind: 'open', at, ...about };
}

function asking(certificate_id: string, to: JsonValue, at: number, epoch = 1): Input {
  const action = { kind: 'call', target: 'pay', args: { to } } as const;
  const common = { at, principal: AGENT, capability: null, attributes: {}, epoch };
  return { kind: 'intent', certificate_id, action, ...common };
}

describe('any session', () => {
  type Did = {
    readonly what: 'ask' | 'approve' | 'deny' | 'epoch' | 'wait';
    readonly n: number;
    readonly who: number;
  };
  const happenings = fc.array(
    fc.record({
      what: fc.constantFrom(
        'ask',
        'ask',
        'ask',
        'approve',
        'approve',
        'approve',
        'approve',
        'deny',
        'epoch',
        'wait',
      ) as fc.Arbitrary<Did['what']>,
      n: fc.nat(1),
      who: fc.nat(2),
    }),
    { minLength: 15, maxLength: 60 },
  );
  const people = [ALICE, BOB, CAROL];

  function run(loaded: LoadedBundle, did: readonly Did[]) {
    const session = new TestSession(loaded);
    const history: RecordedInput[] = [];
    const approvals = new Map<string, number>();
    const uses: { readonly given: number; readonly used: number }[] = [];
    const used = new Map<string, number>();
    let at = session.state.time;
    const tickets = new Map<number, string | null>();
    history.push({ input: opening(at) });
    for (const [index, { what, n, who }] of did.entries()) {
      if (what === 'wait') at += 40_000 * n;
      let input: Input;
      if (what === 'ask') {
        input = asking(`c${index}`, n, at, session.state.epoch);
      } else if (what === 'approve' || what === 'deny') {
        const ticket = tickets.get(n) ?? 'none';
        input = { kind: 'approval', at, ticket, approver: people[who] as Approver, decision: what };
      } else if (what === 'epoch') input = { kind: 'epoch', at, epoch: session.state.epoch + 1 };
      else input = { kind: 'tick', at };
      const output = session.feed(input);
      if (output.kind === 'refused') continue;
      if (input.kind === 'approval' && input.decision === 'approve')
        approvals.set(input.ticket, (approvals.get(input.ticket) ?? 0) + 1);
      if (output.kind !== 'decision') {
        history.push({ input });
        continue;
      }
      history.push({
        input,
        effect: output.effect,
        ticket: output.effect === 'block' ? null : output.ticket,
      });
      if (output.effect === 'hold') tickets.set(n, output.ticket);
      if (output.effect === 'allow' && output.ticket !== null) {
        used.set(output.ticket, (used.get(output.ticket) ?? 0) + 1);
        uses.push({ given: approvals.get(output.ticket) ?? 0, used: used.get(output.ticket) ?? 0 });
      }
    }
    return { session, history, uses };
  }

  it('uses no approval twice, lets nothing go ahead unapproved, and folds to the same state', () => {
    const loaded = withHold(TWO_OF_THREE);
    let goneAhead = 0;
    fc.assert(
      fc.property(happenings, (did) => {
        const { session, history, uses } = run(loaded, did);
        // Every use takes two approvals with it.
        for (const { given, used } of uses) expect(given).toBeGreaterThanOrEqual(2 * used);
        goneAhead += uses.length;
        const allowed = history.filter(({ effect }) => effect === 'allow');
        expect(allowed.every(({ ticket }) => ticket !== null)).toBe(true);
        expect(stateDigest(loaded, refold(loaded, history))).toBe(session.digest);
        const stepped = history.reduce(
          (state, { input }) => step(loaded, state, input).state,
          initialState(loaded),
        );
        expect(stateDigest(loaded, stepped)).toBe(session.digest);
      }),
      { numRuns: 300, seed: 7 },
    );
    expect(goneAhead).toBeGreaterThan(20);
  });

  it('has its tickets again under the bundle that they name, less those that were used under another', () => {
    const loaded = withHold();
    const session = new TestSession(loaded);
    const history: RecordedInput[] = [{ input: opening(session.state.time) }];
    for (const [index, to] of ['x', 'y'].entries()) {
      const input = asking(`c${index}`, to, session.state.time);
      const { ticket } = session.feed(input) as Decision;
      history.push({ input, effect: 'hold', ticket });
      const said = {
        kind: 'approval',
        at: session.state.time,
        approver: ALICE,
        decision: 'approve',
      } as const;
      session.feed({ ...said, ticket: ticket as string });
      history.push({ input: { ...said, ticket: ticket as string } });
    }
    // Under a bundle that holds nothing the first of them went ahead.
    history.push({ input: asking('c2', 'x', session.state.time), effect: 'allow', ticket: null });
    const [, second] = [...session.state.holds];
    expect([...refold(loaded, history).holds]).toEqual([second]);
  });

  it('has no ticket left under another bundle', () => {
    const other = withHold({ description: 'another version' });
    fc.assert(
      fc.property(happenings, (did) => {
        const { history } = run(withHold(), did);
        expect(refold(other, history).holds.size).toBe(0);
      }),
      { numRuns: 100, seed: 7 },
    );
  });
});
