const LONGEST_MS = 30_000;

/**
 * How long to wait before attempt `repetition` (1 is the first): half of it sure and half of it chance, so
 * that many clients do not come back together. null: the service asked for a longer wait than anybody should
 * sit through.
 */
export function retryDelay(
  repetition: number,
  firstMs: number,
  retryAfterSeconds: number | null,
  random: () => number,
): number | null {
  const doubled = Math.min(LONGEST_MS, firstMs * 2 ** (repetition - 1));
  const jittered = doubled * (0.5 + random() / 2);
  const asked = (retryAfterSeconds ?? 0) * 1000;
  return asked > LONGEST_MS ? null : Math.max(asked, jittered);
}

/** Seconds of a Retry-After header. The other form, a date, would need clocks that agree. */
export function secondsIn(header: string | null): number | null {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) : null;
}
