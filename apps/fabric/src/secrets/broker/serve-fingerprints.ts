import { fingerprintsToJson } from '@provability-fabric/detect';
import type { JsonValue } from '@provability-fabric/kernel';
import type { Caller } from '@provability-fabric/secrets';
import type { LiveFingerprints } from './live-fingerprints.ts';
import type { SecretSource } from './ports.ts';

export interface ServingOptions {
  readonly secrets: Pick<SecretSource, 'admit'>;
  readonly fingerprints: Pick<LiveFingerprints, 'of'>;
}

/** What gateway-http gives to sidecars in other processes, who may look for values and not have them. */
export function serveFingerprints({ secrets, fingerprints }: ServingOptions) {
  return {
    async of(
      caller: Caller,
      tenant: string,
      known: string | null,
    ): Promise<{ readonly etag: string; readonly fingerprints: JsonValue | null }> {
      await secrets.admit(caller, 'fingerprint', { tenant, name: '' });
      const found = await fingerprints.of(tenant);
      const isKnown = found.etag === known;
      return { etag: found.etag, fingerprints: isKnown ? null : fingerprintsToJson(found.fingerprints) };
    },
  };
}
