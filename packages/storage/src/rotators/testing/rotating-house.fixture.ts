import { randomBytes, randomUUID } from 'node:crypto';
import {
  asSecretName,
  asSecretTenant,
  createEmbeddedProvider,
  openRotations,
  RootKeys,
  type Rotation,
  type RotationStore,
  type Rotations,
  type Rotator,
  type SecretPlace,
  type SecretProvider,
} from '@provability-fabric/secrets';
import type { OwnedDatabase } from '../../database/database.ts';
import { openRotationStore } from '../../secrets/rotation-store.ts';
import { openSecretRows } from '../../secrets/secret-rows.ts';
import { createPostgresRolesRotator } from '../postgres-roles.ts';

export const ROTATED: SecretPlace = {
  tenant: asSecretTenant('acme'),
  name: asSecretName('database_credentials'),
};
export const ADMIN: SecretPlace = { tenant: ROTATED.tenant, name: asSecretName('database_admin') };

/** A provider and a store in that database, as one replica has them. */
export async function openRotatingHouse(
  database: OwnedDatabase,
): Promise<{ readonly provider: SecretProvider; readonly store: RotationStore }> {
  const rows = openSecretRows({ database });
  const rootKeys = new RootKeys({ rows, random: randomBytes });
  const key = Buffer.alloc(32, 7);
  await rootKeys.unseal({
    kind: 'file',
    make: async () => ({ key: Buffer.from(key), parameters: new Uint8Array(0) }),
    derive: async () => Buffer.from(key),
  });
  const provider = createEmbeddedProvider({ rows, rootKeys, clock: Date.now, random: randomBytes });
  return { provider, store: openRotationStore({ database }) };
}

/** The scheduler of one replica, with the machine's clock. */
export function openTestRotations(
  provider: SecretProvider,
  store: RotationStore,
  rotator: Rotator = createPostgresRolesRotator(randomBytes, true),
  attempts = 8,
): Rotations {
  return openRotations({
    provider,
    store,
    audit: { record: async () => undefined },
    rotators: [rotator],
    notifier: { tell: async () => undefined },
    clock: {
      now: Date.now,
      after(ms, callback) {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
    },
    random: () => 0.5,
    newId: randomUUID,
    admission: { admit: async () => ROTATED, perform: async (_who, _what, _where, work) => work(ROTATED) },
    retries: { attempts, firstPauseMs: 20, timeoutMs: 10_000 },
    beatMs: 40,
  });
}

/** One that is about to begin. */
export function newRotation(graceMs: number): Rotation {
  const now = Date.now();
  return {
    ...ROTATED,
    id: randomUUID(),
    rotator: 'postgres-roles',
    options: { admin: ADMIN.name },
    cause: 'manual',
    by: 'alice',
    phase: 'stage',
    attempts: 0,
    dueAt: now,
    graceMs,
    previousVersion: null,
    version: null,
    errorCode: null,
    startedAt: now,
    promotedAt: null,
    endedAt: null,
    changedAt: now,
  };
}
