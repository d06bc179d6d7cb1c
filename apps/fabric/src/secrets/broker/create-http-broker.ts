import { fingerprintsFromJson, Scanner } from '@provability-fabric/detect';
import type { SecretBroker } from '@provability-fabric/enforcement';
import { type Crypto, field, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { usable } from './create-broker.ts';
import { RecentMap } from './recent-map.ts';

export interface HttpBrokerOptions {
  readonly crypto: Crypto;
  /** Posts to the secrets service with the sidecar's own token (role `secrets-sidecar`); rejects for all but 200. */
  ask(
    question: '/internal/secrets/use' | '/internal/secrets/fingerprints',
    body: JsonObject,
  ): Promise<JsonValue>;
  now(): number;
  /** How long fingerprints are taken for right without asking; 1 s. */
  readonly trustMs?: number;
  /** Tenants kept at once; 50. */
  readonly maxTenants?: number;
}

interface Held {
  readonly etag: string;
  readonly scanner: Scanner;
  readonly askedAt: number;
}

/**
 * For a sidecar in another process. It gets one value at a time, each use on record at the service, and fingerprints in
 * the place of all others: whoever takes this process over finds no value that it did not use.
 */
export function createHttpBroker(options: HttpBrokerOptions): SecretBroker {
  const { crypto, ask, now, trustMs = 1_000, maxTenants = 50 } = options;
  const held = new RecentMap<Held>(maxTenants);
  const asking = new Map<string, Promise<Held>>();

  async function refreshed(tenant: string): Promise<Held> {
    const known = held.get(tenant);
    const askedAt = now();
    const answer = await ask('/internal/secrets/fingerprints', {
      tenant,
      ...(known !== undefined && { etag: known.etag }),
    });
    const etag = field(answer, 'etag');
    const sent = field(answer, 'fingerprints');
    if (typeof etag !== 'string') throw new Error('expected fingerprints with their etag');
    if (sent === null && known?.etag === etag) return { ...known, askedAt };
    const fingerprints = sent === undefined ? undefined : fingerprintsFromJson(sent);
    if (fingerprints === undefined) throw new Error('expected fingerprints of the secrets service');
    return { etag, scanner: new Scanner(crypto, fingerprints), askedAt };
  }

  /** Many calls at once ask once. */
  function upToDate(tenant: string): Promise<Held> {
    const known = held.get(tenant);
    const age = known === undefined ? trustMs : now() - known.askedAt;
    if (known !== undefined && age >= 0 && age < trustMs) return Promise.resolve(known);
    let under = asking.get(tenant);
    if (under === undefined) {
      under = refreshed(tenant)
        .then((fresh) => {
          held.set(tenant, fresh);
          return fresh;
        })
        .finally(() => asking.delete(tenant));
      asking.set(tenant, under);
    }
    return under;
  }

  /** Fingerprints that were asked for from now on. */
  async function upToDateAsOfNow(tenant: string): Promise<Held> {
    await asking.get(tenant)?.catch(() => undefined);
    const known = held.peek(tenant);
    if (known !== undefined) held.set(tenant, { ...known, askedAt: Number.NEGATIVE_INFINITY });
    return upToDate(tenant);
  }

  return {
    async resolve({ tenant, name, ...request }) {
      const { field: wanted, tool, principal, session, certificateId } = request;
      const asked = { tenant, secret: name, field: wanted, tool, principal, session, certificateId };
      const value = field(await ask('/internal/secrets/use', asked), 'value');
      if (typeof value !== 'string') throw new Error('expected the value of a secret');
      // It may be newer than the fingerprints here, and the tool may answer within the time that those are trusted. The
      // service gave it only with fingerprints of it at hand.
      await upToDateAsOfNow(tenant);
      return usable(value);
    },
    async exposedIn(tenant, value) {
      return (await upToDate(tenant)).scanner.findExposed(value);
    },
  };
}
