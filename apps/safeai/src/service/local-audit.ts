import { join } from 'node:path';
import { CommandError } from '@provability-fabric/command-line';
import { nodeCrypto } from '@provability-fabric/evidence';
import type { LocalPlace } from '@provability-fabric/fabric';
import { type AuditRecord, lastRecords } from '@provability-fabric/governor';
import { codeOf } from '../exit-codes.ts';

/** From the view that governors keep in the data folder; whether it has all of the record is for `--verify` to say. */
export async function lastHere({ dataDir }: LocalPlace, count: number): Promise<readonly AuditRecord[]> {
  try {
    return await lastRecords(nodeCrypto(), join(dataDir, 'audit.log'), count);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    const mend = 'name the data folder with --data-dir';
    throw new CommandError('CANNOT_CHECK', `expected audit.log in ${dataDir}, came nothing there; ${mend}`, {
      cause: error,
    });
  }
}
