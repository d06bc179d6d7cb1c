import { isGuarded } from '@provability-fabric/detect';
import type { SecretBroker } from '@provability-fabric/enforcement';
import type { Caller } from '@provability-fabric/secrets';
import type { LiveFingerprints } from './live-fingerprints.ts';
import type { SecretSource } from './ports.ts';

export interface BrokerOptions {
  readonly secrets: Pick<SecretSource, 'use'>;
  readonly fingerprints: Pick<LiveFingerprints, 'of'>;
}

const WHO = 'system:sidecar';

/** For a sidecar in the process of the secrets service: each use is on record there before its value comes back. */
export function createBroker({ secrets, fingerprints }: BrokerOptions): SecretBroker {
  return {
    async resolve({ tenant, name, ...request }) {
      const caller: Caller = { tenant, principal: WHO, roles: ['secrets-sidecar'], details: {} };
      const { value } = await secrets.use(caller, { tenant, name }, request);
      return usable(value);
    },
    async exposedIn(tenant, value) {
      const { scanner } = await fingerprints.of(tenant);
      return scanner.findExposed(value);
    },
  };
}

/** What could not be found again in a result must not be sent to where results come from. */
export function usable(value: string): string {
  if (isGuarded(value)) return value;
  throw new Error('expected a secret of at least 8 characters that count; a shorter one cannot be guarded');
}
