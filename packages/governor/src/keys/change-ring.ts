import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hex } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import { ensureKeyFolder, hasSystemCode, renameDurably, replaceFile } from '../files/durable-files.ts';
import { privateKeyPath } from './key-files.ts';
import { openKeyRing, ringPath } from './key-ring.ts';
import { type KeyRing, keyRingOf, type RingKey } from './ring.ts';
import { formatRing, MAX_RING_KEYS } from './ring-file.ts';
import { withRingLock } from './ring-lock.ts';

const UNIQUE_BYTES = 6;
const UNFINISHED = /^(ed25519\.[A-Za-z0-9_-]+\.[sv]k|ring\.json)\.[0-9a-f]{12}\.new$/;

/** Clock and randomness of whoever makes keys. */
export interface KeyMaking {
  /** ms since 1970. */
  now(): number;
  /** Fit for keys. */
  random(length: number): Uint8Array;
}

export interface RingChange<Result> {
  /** The whole ring after the change. */
  readonly keys: readonly RingKey[];
  readonly result: Result;
}

/**
 * Changes the ring of a folder, which is made where it is missing, as one durable replacement; nobody else changes it meanwhile.
 * Whatever `change` throws leaves the ring as it was.
 */
export async function changeRing<Result>(
  folder: string,
  { random }: KeyMaking,
  change: (ring: KeyRing, unique: string) => Promise<RingChange<Result>>,
): Promise<Result> {
  await ensureKeyFolder(folder);
  return withRingLock(folder, async () => {
    await removeUnfinished(folder);
    const unique = hex(random(UNIQUE_BYTES));
    const { keys, result } = await change(await openKeyRing(folder), unique);
    if (keys.length > MAX_RING_KEYS)
      throw new GovernorError(
        'KEY_INVALID',
        `expected at most ${MAX_RING_KEYS} keys in \`${folder}\`; begin another folder`,
      );
    const ring = keyRingOf(keys);
    await replaceFile(ringPath(folder), formatRing(ring), 0o644, unique);
    await putAwayRetired(folder, ring);
    return result;
  });
}

/** What a killed process left of making a file, a seed perhaps. Nobody else is making one: the caller has the lock. */
async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (UNFINISHED.test(name)) await rm(join(folder, name));
}

/** After the ring says so, and for what a crash left: a retired private key no longer bears the name that programs look for. */
async function putAwayRetired(folder: string, { keys }: KeyRing): Promise<void> {
  for (const { keyId, state } of keys) {
    if (state !== 'retired') continue;
    const path = privateKeyPath(folder, keyId);
    await renameDurably(path, `${path}.retired`).catch((error: unknown) => {
      if (!hasSystemCode(error, 'ENOENT')) throw error;
    });
  }
}
