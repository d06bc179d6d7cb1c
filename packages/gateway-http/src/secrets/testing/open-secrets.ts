import { randomBytes, randomUUID } from 'node:crypto';
import {
  createEmbeddedProvider,
  createInProcessInvalidations,
  createInProcessLimits,
  createMemoryRotationStore,
  createRandomRotator,
  openRotations,
  openSecrets,
  RootKeys,
  type SecretAccess,
} from '@provability-fabric/secrets';
import { MemorySecretRows } from '@provability-fabric/testkit';

const KEY = Buffer.alloc(32, 7);

/** The real use cases over the embedded provider; only the rows and the audit are in memory. */
export async function openSecretsInMemory(perPrincipal = 1000) {
  const rows = new MemorySecretRows();
  const rootKeys = new RootKeys({ rows, random: randomBytes });
  await rootKeys.unseal({
    kind: 'file',
    make: async () => ({ key: KEY, parameters: new Uint8Array(0) }),
    derive: async () => KEY,
  });
  const records: SecretAccess[] = [];
  const condition = { auditFails: false };
  const audit = {
    async record(access: SecretAccess) {
      await new Promise(setImmediate);
      if (condition.auditFails) throw new Error('disk full');
      records.push(access);
    },
  };
  const clock = Date.now;
  const secrets = openSecrets({
    provider: createEmbeddedProvider({ rows, rootKeys, clock, random: randomBytes }),
    audit,
    limits: createInProcessLimits({ perPrincipal, perTenant: 10_000, windowSeconds: 60, clock }),
    invalidations: createInProcessInvalidations(),
    clock,
    elapsed: () => performance.now(),
    random: randomBytes,
    newId: randomUUID,
    onAccess: () => undefined,
  });
  const rotations = openRotations({
    admission: secrets,
    provider: secrets.provider,
    store: createMemoryRotationStore(clock),
    audit,
    rotators: [createRandomRotator(randomBytes)],
    notifier: { tell: async () => undefined },
    clock: {
      now: clock,
      after(ms, callback) {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
    },
    random: () => 0.5,
    newId: randomUUID,
  });
  const close = async () => {
    await rotations.stop();
    await secrets.close();
  };
  return { secrets, rotations, records, condition, close };
}
