import {
  type LogReading,
  nodeCrypto,
  openKeyRing,
  openRecordSealer,
  readFileLog,
} from '@provability-fabric/evidence';
import type { DataFolder } from './data-folder.ts';

/** The log as its newest checkpoint has it, without the lock: a fabric may go on writing. Nothing on disk is changed. */
export async function openLog({ path, keys, origin }: DataFolder): Promise<LogReading> {
  const crypto = nodeCrypto();
  const ring = await openKeyRing(keys, { origin, create: false, crypto });
  return readFileLog({
    directory: path,
    origin,
    crypto,
    verifiers: ring.logVerifiers(),
    records: openRecordSealer({ directory: keys, emit: () => {} }),
  });
}
