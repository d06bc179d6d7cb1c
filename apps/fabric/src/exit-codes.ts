import { BundleError } from '@provability-fabric/bundle';
import { EvidenceError } from '@provability-fabric/evidence';
import { FabricError } from './errors.ts';

/** CONTRACTS §8. */
export const EXIT = { ok: 0, failure: 1, denied: 2, invalidInput: 3, cannotCheck: 4 } as const;

export function exitCodeFor(error: unknown): number {
  if (error instanceof FabricError || error instanceof BundleError) return EXIT.invalidInput;
  if (error instanceof EvidenceError && error.code === 'BUNDLE_ROLLBACK') return EXIT.invalidInput;
  return EXIT.failure;
}
