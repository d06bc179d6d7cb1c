import type { Rotation } from './ports.ts';

/** Seconds from its beginning to its end, the grace excepted: nobody works or waits then. */
export function secondsOf(rotation: Rotation, now: number): number {
  const waited = rotation.promotedAt === null || rotation.phase === 'grace' ? 0 : rotation.graceMs;
  return Math.max(0, (rotation.endedAt ?? now) - rotation.startedAt - waited) / 1_000;
}
