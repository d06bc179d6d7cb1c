import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasSystemCode } from '../files/durable-files.ts';
import { privateKeyPath } from './key-files.ts';
import { readKeyFile } from './read-key-file.ts';
import { type KeyRing, keyRingOf, type RingKey } from './ring.ts';
import { parseRing } from './ring-file.ts';

const MAX_RING_BYTES = 1024 * 1024;
const OTHERS_MAY_WRITE = 0o002;

export function ringPath(folder: string): string {
  return join(folder, 'ring.json');
}

/** The keys of a folder; none where it has no ring yet. A key file that no entry names is no key. Throws KEY_INVALID. */
export async function openKeyRing(folder: string): Promise<KeyRing> {
  const path = ringPath(folder);
  const bytes = await readKeyFile(path, { maxBytes: MAX_RING_BYTES, forbiddenMode: OTHERS_MAY_WRITE });
  return bytes === undefined ? keyRingOf([]) : parseRing(path, bytes);
}

export interface ListedKey extends RingKey {
  /** Whether this folder holds its private key. */
  readonly signs: boolean;
}

/** In the order in which they were added. */
export async function listKeys(folder: string): Promise<readonly ListedKey[]> {
  const { keys } = await openKeyRing(folder);
  return Promise.all(
    keys.map(async (key) => ({
      ...key,
      signs: key.state === 'active' && (await isThere(privateKeyPath(folder, key.keyId))),
    })),
  );
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return false;
    throw error;
  }
}
