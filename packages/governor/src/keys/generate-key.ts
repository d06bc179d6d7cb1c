import { equalBytes } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import { createFile } from '../files/durable-files.ts';
import type { SignerRole } from '../gate/signer.ts';
import { changeRing, type KeyMaking } from './change-ring.ts';
import { keyFileBytes, privateKeyPath, publicKeyPath, readPublicKeyFile, readSeed } from './key-files.ts';
import { requireKeyId } from './key-id.ts';
import { privateKeyOf, publicKeyOf, SEED_BYTES } from './key-pair.ts';
import type { KeyRing, RingKey } from './ring.ts';

export interface NewKey {
  readonly keyId: string;
  readonly role: SignerRole;
  readonly principal?: string;
}

/**
 * Makes a key pair and puts it into the ring, durably. Nothing is ever overwritten: throws KEY_EXISTS. Only a private key that an
 * interrupted `generate` of the same id left, before it was in the ring, is taken up.
 */
export async function generateKey(folder: string, wanted: NewKey, making: KeyMaking): Promise<RingKey> {
  const keyId = requireKeyId(wanted.keyId);
  return changeRing(folder, making, async (ring, unique) => {
    if (ring.get(keyId) !== undefined) throw exists(keyId);
    const publicKey = await keyFiles(folder, keyId, making, unique);
    const key = activeKey(wanted, publicKey, making.now());
    return { keys: [...ring.keys, key], result: key };
  });
}

/** The private key goes first: it alone can be completed. Answers the public one. */
async function keyFiles(
  folder: string,
  keyId: string,
  { random }: KeyMaking,
  unique: string,
): Promise<Uint8Array> {
  const path = privateKeyPath(folder, keyId);
  const left = await readSeed(path);
  const seed = left ?? random(SEED_BYTES);
  if (left === undefined && !(await createFile(path, keyFileBytes(seed), 0o600, unique))) throw exists(keyId);
  const publicKey = publicKeyOf(privateKeyOf(seed));
  await publish(folder, keyId, publicKey, unique);
  return publicKey;
}

export async function publish(
  folder: string,
  keyId: string,
  publicKey: Uint8Array,
  unique: string,
): Promise<void> {
  const path = publicKeyPath(folder, keyId);
  const bytes = keyFileBytes(publicKey);
  if (await createFile(path, bytes, 0o644, unique)) return;
  const there = await readPublicKeyFile(path);
  if (there === undefined || !equalBytes(there, bytes))
    throw new GovernorError(
      'KEY_EXISTS',
      `expected no other key at \`${path}\`; import it under an id of its own, or move it away`,
    );
}

export function activeKey({ keyId, role, principal }: NewKey, publicKey: Uint8Array, now: number): RingKey {
  return {
    keyId,
    publicKey,
    role,
    principal: principal ?? null,
    state: 'active',
    successor: null,
    addedAt: now,
    retiredAt: null,
  };
}

export function refuseKnownKey(ring: KeyRing, publicKey: Uint8Array): void {
  const known = ring.keys.find((key) => equalBytes(key.publicKey, publicKey));
  if (known !== undefined)
    throw new GovernorError(
      'KEY_EXISTS',
      `expected a new key, came the one that is in the ring as \`${known.keyId}\``,
    );
}

function exists(keyId: string): GovernorError {
  return new GovernorError(
    'KEY_EXISTS',
    `expected an id that is free, came \`${keyId}\`, which is in the ring; choose another, or run \`safeai keys rotate\``,
  );
}
