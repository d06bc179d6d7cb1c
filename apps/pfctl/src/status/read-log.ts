import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EvidenceError, nodeCrypto, openKeyRing } from '@provability-fabric/evidence';
import {
  type Checkpoint,
  CheckpointError,
  hex,
  NoteError,
  openNote,
  parseCheckpoint,
} from '@provability-fabric/kernel';
import type { DataFolder } from '../evidence/data-folder.ts';
import { openLog } from '../evidence/open-log.ts';

export interface LogStatus {
  readonly origin: string;
  /** Of the newest checkpoint; a fabric that runs is ahead of it by a fraction of a second. */
  readonly size: number;
  readonly root: string;
  readonly checkpointAgeMs: number;
  /** null: the journal is too long to be read in passing. */
  readonly sessions: number | null;
  readonly journalBytes: number;
}

export interface Finding {
  /** Whether the evidence is damaged, rather than merely worth a look. */
  readonly grave: boolean;
  readonly message: string;
}

/** A status is asked for often and answers at once, so a longer journal is read only when that is asked for. */
const READ_IN_PASSING_BYTES = 8 * 1024 * 1024;

/** What the log says of itself. A damaged one is a finding, not an error: the rest of the status still helps. */
export async function readLog(
  folder: DataFolder,
  { now, full }: { readonly now: number; readonly full: boolean },
): Promise<{ readonly log: LogStatus | null; readonly findings: readonly Finding[] }> {
  try {
    const { mtimeMs } = await stat(join(folder.path, 'log', 'checkpoint'));
    const { bytes: journalBytes, torn } = await lookInto(join(folder.path, 'journal'));
    const findings = torn.map((path) => ({
      grave: false,
      message: `${path}: the end of a write that a crash cut off, kept aside; nobody had been answered`,
    }));
    const common = { origin: folder.origin, checkpointAgeMs: Math.max(0, now - mtimeMs), journalBytes };
    if (!full && journalBytes > READ_IN_PASSING_BYTES) {
      const { size, root } = await readCheckpoint(folder);
      return { log: { ...common, size, root: hex(root), sessions: null }, findings };
    }
    const reader = await openLog(folder);
    if (full) await reader.audit();
    const { size, root } = reader.checkpoint();
    const sessions = [...reader.heads()].length;
    return { log: { ...common, size, root: hex(root), sessions }, findings };
  } catch (error) {
    const damaged =
      error instanceof EvidenceError || error instanceof NoteError || error instanceof CheckpointError;
    if (damaged) return { log: null, findings: [{ grave: true, message: error.message }] };
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return {
      log: null,
      findings: [{ grave: true, message: `expected a log in ${folder.path}: ${String(error)}` }],
    };
  }
}

async function readCheckpoint({ path, keys, origin }: DataFolder): Promise<Checkpoint> {
  const crypto = nodeCrypto();
  const ring = await openKeyRing(keys, { origin, create: false, crypto });
  const note = await readFile(join(path, 'log', 'checkpoint'), 'utf8');
  return parseCheckpoint(openNote(crypto, note, ring.logVerifiers()).text);
}

/** How long the journal is, and what a start after a crash put aside in it. */
async function lookInto(
  folder: string,
): Promise<{ readonly bytes: number; readonly torn: readonly string[] }> {
  const names = (await readdir(folder)).sort();
  let bytes = 0;
  for (const name of names) {
    // A fabric that starts meanwhile may clear an empty segment away.
    const found = await stat(join(folder, name)).catch(() => undefined);
    bytes += found?.size ?? 0;
  }
  const torn = names.filter((name) => /^torn-.*\.bin$/.test(name)).map((name) => join(folder, name));
  return { bytes, torn };
}
