import { SecretError } from '@provability-fabric/secrets';
import type { LiveFingerprints } from './live-fingerprints.ts';
import type { SecretSource } from './ports.ts';

export interface UsingOptions {
  readonly secrets: Pick<SecretSource, 'use'>;
  readonly fingerprints: Pick<LiveFingerprints, 'know'>;
}

/**
 * A value leaves for a tool only where it would be known again in what the tool answers: another replica may have changed
 * it just now, and then the fingerprints here are older than what the provider gives.
 */
export function useWhatIsKnown({ secrets, fingerprints }: UsingOptions): SecretSource['use'] {
  return async (caller, target, request) => {
    const used = await secrets.use(caller, target, request);
    if (await fingerprints.know(target.tenant, target.name, used.value)) return used;
    throw new SecretError(
      'PROVIDER_INCONSISTENT',
      'expected the value to be among those that are looked for, came one that is not; try again',
    );
  };
}
