import { fingerprintsToJson } from '@provability-fabric/detect';
import type { JsonValue } from '@provability-fabric/kernel';
import type { Caller } from '@provability-fabric/secrets';
import type { LiveFingerprints } from './live-fingerprints.ts';
import type { SecretSource } from './ports.ts';

export interface ServingOptions {
  readonly secrets: Pick<SecretSource, 'admit' | 'perform'>;
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
      const target = { tenant, name: '' };
      await secrets.admit(caller, 'fingerprint', target);
      const found = await fingerprints.of(tenant);
      // Whoever has them already learns nothing, and asks often.
      if (found.etag === known) return { etag: found.etag, fingerprints: null };
      return secrets.perform(caller, 'fingerprint', target, async () => ({
        etag: found.etag,
        fingerprints: fingerprintsToJson(found.fingerprints),
      }));
    },
  };
}
