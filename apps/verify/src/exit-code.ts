import type { Failure } from './failure.ts';
import type { Verification } from './verify-evidence.ts';

/** CONTRACTS §8. */
export const EXIT = { verified: 0, false: 1, invalidInput: 3, cannotCheck: 4 } as const;

export function exitCodeOf({ failures }: Verification): number {
  if (failures.length === 0) return EXIT.verified;
  return cannotBeChecked(failures) ? EXIT.cannotCheck : EXIT.false;
}

/** Without a key for the checkpoint nothing is known to be false, unless something is that needs no key. */
export function cannotBeChecked(failures: readonly Failure[]): boolean {
  const unknown = failures.every(({ code }) => code.endsWith('_UNKNOWN_KEY'));
  return unknown && failures.some(({ code }) => code === 'CHECKPOINT_UNKNOWN_KEY');
}
