import type { Blocker } from '@provability-fabric/policy';

/** `no-leak`, `default deny`, `EPOCH_STALE (no mode weakens it)`. */
export function blockerName({ by, name }: Blocker): string {
  return by === 'code' ? `${name} (no mode weakens it)` : by === 'clause' ? name : `(${name})`;
}
