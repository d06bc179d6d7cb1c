import { SecretError } from '../errors.ts';

const HOUR_MS = 3_600_000;
/** For so long at most a value that was replaced is valid at its target. */
export const MAX_GRACE_HOURS = 24 * 90;

/** In ms. Throws ROTATION_INVALID. */
export function graceOf(hours: number): number {
  if (Number.isFinite(hours) && hours >= 0 && hours <= MAX_GRACE_HOURS) return Math.round(hours * HOUR_MS);
  throw new SecretError('ROTATION_INVALID', `expected a grace of 0 to ${MAX_GRACE_HOURS} hours`);
}
