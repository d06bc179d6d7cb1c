import { createHash } from 'node:crypto';
import { GovernorError } from '../errors.ts';
import { createFile } from '../files/durable-files.ts';
import { changeRing, type KeyMaking } from './change-ring.ts';
import { activeKey, publish } from './generate-key.ts';
import { keyFileBytes, privateKeyPath, readSeed } from './key-files.ts';
import { privateKeyOf, publicKeyOf, SEED_BYTES } from './key-pair.ts';
import { type KeyRing, keyInUse, type RingKey } from './ring.ts';

/** Room for `-` and eight digits within the length of an id. */
const MOST_STEM = 54;

/** What rotations have put behind an id: the new one does not grow by each. */
const ROTATED = /^(.+)-[0-9a-f]{8}$/;

export interface RotatedKey {
  readonly retired: string;
  /** What signs from now on, also for whoever still names the retired one. */
  readonly key: RingKey;
}

/**
 * Puts a new key in the place of one, with its role and principal, in one replacement of the ring; its id ends in eight digits of
 * its own hash, so that no two rotations share one. An id that was rotated before means the key that took its place. Throws
 * KEY_UNKNOWN.
 */
export async function rotateKey(folder: string, keyId: string, making: KeyMaking): Promise<RotatedKey> {
  return changeRing(folder, making, async (ring, unique) => {
    const old = keyInUse(ring, keyId);
    const oldSeed = await readSeed(privateKeyPath(folder, old.keyId));
    if (oldSeed === undefined)
      throw new GovernorError(
        'KEY_UNKNOWN',
        `expected the private key of \`${old.keyId}\` in this folder, came none; make the new one where it is, import that one and ` +
          'retire this one',
      );
    const seed = making.random(SEED_BYTES);
    const publicKey = publicKeyOf(privateKeyOf(seed));
    const id = rotatedId(ring, old.keyId, publicKey);
    if (!(await createFile(privateKeyPath(folder, id), keyFileBytes(seed), 0o600, unique)))
      throw new GovernorError(
        'KEY_EXISTS',
        `expected no key at \`${privateKeyPath(folder, id)}\`; move it away`,
      );
    await publish(folder, id, publicKey, unique);
    const now = making.now();
    const { role, principal } = old;
    const key = activeKey({ keyId: id, role, ...(principal === null ? {} : { principal }) }, publicKey, now);
    const keys = ring.keys.map((other) => (other === old ? retiredKey(old, id, now) : other));
    return { keys: [...keys, key], result: { retired: old.keyId, key } };
  });
}

function rotatedId(ring: KeyRing, keyId: string, publicKey: Uint8Array): string {
  const digits = createHash('sha256').update(publicKey).digest('hex').slice(0, 8);
  const [, before] = ROTATED.exec(keyId) ?? [];
  const stem = before !== undefined && ring.get(before) !== undefined ? before : keyId;
  return `${stem.slice(0, MOST_STEM)}-${digits}`;
}

export function retiredKey(key: RingKey, successor: string | null, now: number): RingKey {
  return { ...key, state: 'retired', successor, retiredAt: now };
}
