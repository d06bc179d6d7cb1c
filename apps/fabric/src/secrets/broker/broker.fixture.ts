import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Crypto } from '@provability-fabric/kernel';
import {
  createEmbeddedProvider,
  createInProcessInvalidations,
  openSecrets,
  RootKeys,
  type SecretAccess,
} from '@provability-fabric/secrets';
import { MemorySecretRows } from '@provability-fabric/testkit';
import { createBroker } from './create-broker.ts';
import { LiveFingerprints } from './live-fingerprints.ts';
import { useWhatIsKnown } from './use-what-is-known.ts';

export const crypto: Crypto = {
  sha256: (data) => createHash('sha256').update(data).digest(),
  verifyEd25519: () => false,
};

export const ADMIN = { tenant: 'acme', principal: 'admin', roles: ['secrets-admin'], details: {} };
export const USE = { tool: 'http_get', principal: 'agent-1', session: 's', certificateId: 'c' };

/** The real use cases over rows in memory, with a clock that stands still. */
export async function openHouse() {
  const rows = new MemorySecretRows();
  const rootKeys = new RootKeys({ rows, random: randomBytes });
  await rootKeys.unseal({
    kind: 'file',
    make: async () => ({ key: Buffer.alloc(32, 7), parameters: new Uint8Array(0) }),
    derive: async () => Buffer.alloc(32, 7),
  });
  const time = { now: 1_700_000_000_000 };
  const clock = () => time.now;
  const provider = createEmbeddedProvider({ rows, rootKeys, clock, random: randomBytes });
  const accesses: SecretAccess[] = [];
  const secrets = openSecrets({
    provider,
    audit: { record: async (access) => void accesses.push(access) },
    limits: { take: async () => ({ ok: true }) },
    invalidations: createInProcessInvalidations(),
    clock,
    elapsed: () => performance.now(),
    random: randomBytes,
    newId: randomUUID,
    onAccess: () => undefined,
    liveForMs: 60_000,
  });
  const fingerprints = new LiveFingerprints({ secrets, crypto, random: randomBytes, now: clock });
  const use = useWhatIsKnown({ secrets, fingerprints });
  const broker = createBroker({ secrets: { use }, fingerprints });
  const write = (name: string, value: Record<string, string>, tenant = 'acme') =>
    secrets.write({ ...ADMIN, tenant }, { tenant, name }, { value });
  return { secrets: { ...secrets, use }, provider, fingerprints, broker, accesses, time, write, rows };
}
