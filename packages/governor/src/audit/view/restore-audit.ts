import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { GovernorError } from '../../errors.ts';
import { syncFolder } from '../../files/durable-files.ts';
import { openAuditView } from './audit-view.ts';
import { besides, chunksOf, linesOf, partsOf, type TextLine } from './parts.ts';
import { type AuditVerifying, verifyLines } from './verify-audit.ts';

export interface RestoreOptions extends AuditVerifying {
  /** The backup: one file, unpacked; the parts of a view one after the other are one. */
  readonly file: string;
  /** `<data>/audit.log`. */
  readonly path: string;
}

export interface RestoredAudit {
  /** Of the backup. */
  readonly records: number;
  /** Taken from the record after it. */
  readonly added: number;
  /** Whether it was held against the record, and not only its own chain and signatures: nothing may be on record here. */
  readonly compared: boolean;
  readonly current_root: string;
}

/**
 * Puts a backup in the place of the view, once it holds: its own chain and signatures, and that it is the beginning of what is on
 * record. Then fills it up from there. Throws CHANGE_AUDIT_DAMAGED, having changed nothing, for a backup that does not hold.
 */
export async function restoreAudit(options: RestoreOptions): Promise<RestoredAudit> {
  const { file: backup, path, source } = options;
  const found = await verifyLines(fileLines(backup), options);
  const [problem] = found.problems;
  if (problem !== undefined || found.current_root === null)
    throw new GovernorError(
      'CHANGE_AUDIT_DAMAGED',
      `expected a backup that holds, came one that does not: ${problem ?? 'it is empty'}; nothing was changed`,
    );
  await replace(backup, path);
  const { records } = found;
  if (source === undefined) return { records, added: 0, compared: false, current_root: found.current_root };
  const view = await openAuditView({ ...options, source, keys: () => options.keys });
  try {
    const end = await view.catchUp();
    const added = (end?.index ?? -1) + 1 - records;
    return { records, added, compared: true, current_root: end?.merkle_root ?? found.current_root };
  } finally {
    await view.close();
  }
}

async function* fileLines(path: string): AsyncGenerator<TextLine & { readonly file: string }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    for await (const line of linesOf(chunksOf(file, 0, size), basename(path)))
      yield { ...line, file: basename(path) };
  } finally {
    await file.close();
  }
}

/** Only what was verified is taken over: whole lines. The older parts go after it is there: it begins with the genesis. */
async function replace(backup: string, path: string): Promise<void> {
  const fresh = besides(path, 'restoring');
  const file = await open(fresh, 'w', 0o600);
  try {
    await copyLines(backup, file);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  await syncFolder(dirname(path));
  for (const part of (await partsOf(path)).rotated) await unlink(part);
}

async function copyLines(backup: string, to: FileHandle): Promise<void> {
  for await (const { text, whole } of fileLines(backup)) if (whole) await to.write(`${text}\n`);
}
