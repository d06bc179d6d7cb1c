// `journal/freed`: how many entries, from the first on, are no longer in the journal.
import { join } from 'node:path';
import { EvidenceError } from '../errors.ts';
import { readCountFile, writeCountFile } from './count-file.ts';
import type { LogFiles } from './log-files.ts';

const WHAT = 'freed';

/** The log index of the first entry that the journal still has to hold. */
export async function readFreed(folder: string): Promise<number> {
  const path = join(folder, WHAT);
  const count = await readCountFile(path, WHAT);
  if (count !== 'damaged') return count === 'none' ? 0 : count;
  throw new EvidenceError(
    'EVIDENCE_CORRUPT',
    `\`${path}\` does not say how much of the journal was freed; put it back from a backup. Nothing was changed`,
  );
}

/** Durable when it resolves. */
export async function writeFreed(files: LogFiles, folder: string, count: number): Promise<void> {
  await writeCountFile(files, join(folder, WHAT), WHAT, count);
  await files.syncFolder(folder);
}
