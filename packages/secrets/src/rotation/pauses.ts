import { SecretError } from '../errors.ts';
import type { RandomFraction, RotationClock } from './ports.ts';

export interface RetryRules {
  /** How often a phase before the promotion is tried; 8 unless told. */
  readonly attempts: number;
  /** ms; doubles with each failure. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** For all of one attempt at a phase. */
  readonly timeoutMs: number;
}

export const USUAL_RETRIES: RetryRules = {
  attempts: 8,
  firstPauseMs: 1_000,
  longestPauseMs: 300_000,
  timeoutMs: 30_000,
};

/** Half of it by chance, so that what failed together does not come back together. */
export function pauseAfter(attempts: number, rules: RetryRules, random: RandomFraction): number {
  const pause = Math.min(rules.longestPauseMs, rules.firstPauseMs * 2 ** Math.min(attempts, 30));
  return Math.ceil(pause * (0.5 + random() / 2));
}

/** Throws PROVIDER_UNAVAILABLE at the time-out; the signal then ends what is on its way. */
export async function withinTime<T>(
  clock: RotationClock,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let cancel: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(timeoutMs, () => {
      controller.abort();
      reject(new SecretError('PROVIDER_UNAVAILABLE', `expected an answer in ${timeoutMs} ms, got none`));
    });
  });
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    cancel();
  }
}

/** Resolves after that time, or at once where the signal ends. */
export function pause(clock: RotationClock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    signal.addEventListener('abort', () => {
      cancel();
      resolve();
    });
  });
}
