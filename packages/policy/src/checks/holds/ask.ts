import type { Digest } from '@provability-fabric/kernel';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { CheckName } from '../../output.ts';
import type { State } from '../../state.ts';
import type { Event, Finding } from '../check.ts';
import { asksForArguments, withoutTicket } from './open-tickets.ts';
import { asAsked, needsOf, openTicket, unmetNeed } from './step.ts';
import { ticketOf } from './ticket.ts';

export interface Asked {
  readonly ticket: string | null;
  readonly findings: readonly (readonly [CheckName, Finding])[];
  /** Releases that nobody has approved for this call: they opened nothing. */
  readonly closed: ReadonlySet<string>;
  /** Whether somebody's word was needed, and is there. */
  readonly isApproved: boolean;
  /** The state once the call is held: all that moves is its ticket. */
  opened(): State;
  /** The state once the call goes ahead: an approval is used once. */
  used(next: State): State;
}

export const NOTHING_ASKED: Asked = {
  ticket: null,
  findings: [],
  closed: new Set(),
  isApproved: false,
  opened: () => {
    throw new Error('expected a clause that holds');
  },
  used: (next) => next,
};

/** The last check: whether somebody has to decide about this very call, and has. */
export function askApproval(
  bundle: LoadedBundle,
  state: State,
  event: Event,
  argsDigest: Digest,
  releases: readonly string[],
): Asked {
  const needs = needsOf(bundle, event, releases);
  if (needs.length === 0 && !asksForArguments(state.holds, argsDigest)) return NOTHING_ASKED;
  const ticket = ticketFor(bundle, state, event, argsDigest);
  const open = asAsked(state.holds.get(ticket), needs);
  const unmet = needs.flatMap((need) => unmetNeed(need, open, event.time) ?? []);
  return {
    ticket,
    findings: unmet.map((finding) => ['holds', finding] as const),
    closed: new Set(unmet.flatMap(({ weakened }) => (weakened.by === 'clause' ? [weakened.id] : []))),
    isApproved: needs.length > 0 && unmet.length === 0,
    opened: () => ({ ...state, holds: openTicket(state.holds, ticket, needs, event, argsDigest) }),
    used: (next) => ({ ...next, holds: withoutTicket(state.holds, ticket) }),
  };
}

export function ticketFor(bundle: LoadedBundle, state: State, event: Event, argsDigest: Digest): string {
  const { tenant, session } = state.opening as NonNullable<State['opening']>;
  return ticketOf(bundle, { tenant, session, epoch: state.epoch }, event, argsDigest);
}
