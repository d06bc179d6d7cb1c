// `.safeai/journal/<id>/`: one folder per change that was begun and is not yet on record. It is filled under a name with a
// dot in front, which nothing has been done for yet, and gets its own by one rename once all of it is durable. A file `landed`
// or `undone` in it says how it ended, and `committing` that all files are in place and git may be moving the ref.
import type { Crypto } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import { readWhole } from '../tree/file-digest.ts';
import type { Folder } from '../tree/folder.ts';
import { type ChangePlan, parsePlan } from './change-plan.ts';

export type JournalEnd = 'landed' | 'undone';
export type JournalMark = JournalEnd | 'committing';

export interface JournalEntry {
  readonly plan: ChangePlan;
  /** undefined: neither finished nor undone yet. */
  readonly end: JournalEnd | undefined;
}

const PLAN = 'plan.json';
const ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

function requireChangeId(id: string): void {
  if (!ID.test(id))
    throw new GovernorError('CHANGE_UNKNOWN', 'expected the id of a change: letters, digits and hyphens');
}

/** A folder to write a change into before it is one. */
export function openDraft(journal: Folder, id: string): Folder {
  requireChangeId(id);
  dropDraft(journal, `.${id}`);
  journal.makeFolder(`.${id}`, 0o700);
  return childOf(journal, `.${id}`);
}

/** The point from which on the change is finished or undone, whatever happens. */
export async function prepare(journal: Folder, draft: Folder, id: string, plan: Uint8Array): Promise<void> {
  draft.create(PLAN, plan, { permissions: 0o600 });
  await draft.syncFile(PLAN);
  await draft.sync();
  journal.rename(`.${id}`, journal, id);
  await journal.sync();
}

export function openEntry(journal: Folder, id: string): Folder {
  requireChangeId(id);
  return childOf(journal, id);
}

export async function mark(entry: Folder, name: JournalMark): Promise<void> {
  if (entry.stat(name) === undefined) entry.create(name, new Uint8Array(0), { permissions: 0o600 });
  await entry.sync();
}

export function isMarked(entry: Folder, name: JournalMark): boolean {
  return entry.stat(name) !== undefined;
}

/** In the order in which they were begun. */
export function entriesOf(crypto: Crypto, journal: Folder): readonly JournalEntry[] {
  const ids = journal.names().filter((name) => ID.test(name));
  return ids
    .map((id) => readEntry(crypto, journal, id))
    .sort((a, b) => a.plan.at - b.plan.at || (a.plan.id < b.plan.id ? -1 : 1));
}

function readEntry(crypto: Crypto, journal: Folder, id: string): JournalEntry {
  const entry = childOf(journal, id);
  try {
    const plan = parsePlan(crypto, id, readWhole(entry, PLAN)?.file.bytes ?? new Uint8Array(0));
    const end = (['landed', 'undone'] as const).find((name) => isMarked(entry, name));
    return { plan, end };
  } finally {
    entry.close();
  }
}

/** What was never prepared: nothing of it was done. */
export function dropDrafts(journal: Folder): void {
  for (const name of journal.names()) if (name.startsWith('.')) dropDraft(journal, name);
}

export function dropDraft(journal: Folder, name: string): void {
  const draft = journal.child(name);
  if (draft === undefined) return;
  try {
    for (const file of draft.names()) draft.unlink(file);
  } finally {
    draft.close();
  }
  journal.removeFolder(name);
}

/** Forgets an entry, as a whole: a kill halfway leaves a draft. */
export async function dropEntry(journal: Folder, id: string): Promise<void> {
  requireChangeId(id);
  if (journal.stat(id) === undefined) return;
  dropDraft(journal, `.${id}`);
  journal.rename(id, journal, `.${id}`);
  dropDraft(journal, `.${id}`);
  await journal.sync();
}

function childOf(journal: Folder, name: string): Folder {
  const child = journal.child(name);
  if (child === undefined) throw new GovernorError('TREE_DAMAGED', `\`.safeai/journal/${name}\` is gone`);
  return child;
}
