import { plural } from '@provability-fabric/command-line';
import type { ReplayedEvent } from '@provability-fabric/policy';

/** How a replay went, in numbers. */
export interface Tally {
  sessions: number;
  events: number;
  accepted: number;
  held: number;
  rejected: number;
  /** Of those that were not accepted: a mode let them through all the same. */
  let_through: number;
  /** Checks that could not be evaluated; they deny. */
  errors: number;
}

export function emptyTally(): Tally {
  return { sessions: 0, events: 0, accepted: 0, held: 0, rejected: 0, let_through: 0, errors: 0 };
}

const COUNTED = { accept: 'accepted', hold: 'held', reject: 'rejected', error: 'errors' } as const;

export function tallyEvent(tally: Tally, event: Pick<ReplayedEvent, 'verdict' | 'effect'>): void {
  tally.events += 1;
  if (event.verdict !== 'accept' && event.effect === 'allow') tally.let_through += 1;
  tally[COUNTED[event.verdict as keyof typeof COUNTED]] += 1;
}

export function formatTally(tally: Tally): string {
  const { sessions, events, let_through: letThrough, ...verdicts } = tally;
  const parts = Object.entries(verdicts)
    .filter(([name, count]) => count > 0 || name === 'accepted')
    .map(([name, count]) => `${count} ${name}`);
  const through = letThrough === 0 ? '' : `; ${letThrough} of what was not accepted let through`;
  return `${plural(events, 'event')} in ${plural(sessions, 'session')}: ${parts.join(', ')}${through}`;
}
