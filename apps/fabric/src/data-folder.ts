import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BundleArchive,
  type Emit,
  type FileRecordSealer,
  type KeyRing,
  lockDataFolder,
  nodeCrypto,
  openBundleArchive,
  openKeyRing,
  openRecordSealer,
} from '@provability-fabric/evidence';
import type { Crypto } from '@provability-fabric/kernel';

/** What a process owns on its disk, whichever components it runs. */
export interface DataFolder {
  readonly path: string;
  readonly crypto: Crypto;
  readonly keys: KeyRing;
  readonly bundles: BundleArchive;
  readonly records: FileRecordSealer;
  /** Lets another process have the folder. */
  release(): Promise<void>;
}

/** Locks the folder, and makes what is missing in it. Throws by name where it, or a key in it, is unfit. */
export async function openDataFolder(path: string, origin: string, emit: Emit): Promise<DataFolder> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const lock = await lockDataFolder(path, { now: Date.now });
  try {
    const crypto = nodeCrypto();
    const keyFolder = join(path, 'keys');
    const keys = await openKeyRing(keyFolder, { origin, create: true });
    const bundles = await openBundleArchive({ directory: join(path, 'bundles'), crypto });
    const records = openRecordSealer({ directory: keyFolder, emit });
    return { path, crypto, keys, bundles, records, release: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
