import type { ReplayedEvent } from '@provability-fabric/policy';
import { plural } from '../output/plural.ts';

/** How a replay went, in numbers. */
export interface Tally {
  sessions: number;
  events: number;
  accepted: number;
  held: number;
  rejected: number;
  /** Checks that could not be evaluated; they deny. */
  errors: number;
}

export function emptyTally(): Tally {
  return { sessions: 0, events: 0, accepted: 0, held: 0, rejected: 0, errors: 0 };
}

const COUNTED = { accept: 'accepted', hold: 'held', reject: 'rejected', error: 'errors' } as const;

export function tallyEvent(tally: Tally, event: Pick<ReplayedEvent, 'verdict'>): void {
  tally.events += 1;
  tally[COUNTED[event.verdict as keyof typeof COUNTED]] += 1;
}

export function formatTally(tally: Tally): string {
  const { sessions, events, ...verdicts } = tally;
  const parts = Object.entries(verdicts)
    .filter(([name, count]) => count > 0 || name === 'accepted')
    .map(([name, count]) => `${count} ${name}`);
  return `${plural(events, 'event')} in ${plural(sessions, 'session')}: ${parts.join(', ')}`;
}
