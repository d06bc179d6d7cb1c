// `journal/shipped`: how many entries the ledger was known to have when this was written. A lower bound, so that a
// start without the ledger knows how far the ledger may lag; the truth is the ledger's own position.
import { join } from 'node:path';
import { readCountFile, writeCountFile } from './count-file.ts';
import type { LogFiles } from './log-files.ts';

const WHAT = 'shipped';

export async function readShipped(journal: string): Promise<number> {
  const count = await readCountFile(join(journal, WHAT), WHAT);
  return typeof count === 'number' ? count : 0;
}

export function writeShipped(files: LogFiles, journal: string, count: number): Promise<void> {
  return writeCountFile(files, join(journal, WHAT), WHAT, count);
}
