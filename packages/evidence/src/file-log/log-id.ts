// `journal/id`: the log's own name, which outlives its keys: under it the ledger keeps how far it has the log. A copy
// of the folder has the same one, and so the ledger sees that two go on from one past.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EvidenceError, hasSystemCode, systemCode } from '../errors.ts';
import type { LogFiles } from './log-files.ts';

const ID = /^[0-9a-f]{32}\n$/;

/** undefined where there is none. */
async function readId(path: string): Promise<string | undefined> {
  return readFile(path, 'latin1').catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT')) return undefined;
    throw error;
  });
}

/** The id of the log in a data folder, under which its heads are signed; undefined where no fabric has made one. */
export async function readLogId(directory: string): Promise<string | undefined> {
  const found = await readId(join(directory, 'journal', 'id'));
  return found !== undefined && ID.test(found) ? found.trim() : undefined;
}

/** Makes one where there is none. */
export async function ensureLogId(files: LogFiles, journal: string): Promise<string> {
  const path = join(journal, 'id');
  const found = await readId(path);
  if (found !== undefined && ID.test(found)) return found.trim();
  if (found !== undefined) {
    const message = `expected \`${path}\` to hold the log's id, 32 hex digits; put it back from a backup`;
    throw new EvidenceError('EVIDENCE_CORRUPT', message);
  }
  const id = randomBytes(16).toString('hex');
  try {
    await files.create(path, Buffer.from(`${id}\n`, 'latin1'));
  } catch (cause) {
    const message = `the log's id could not be kept (${systemCode(cause)}); make space and start again`;
    throw new EvidenceError('EVIDENCE_UNAVAILABLE', message, { cause });
  }
  return id;
}
