import type { RecoveredChange } from '../service/ports.ts';
import type { Folder } from '../tree/folder.ts';
import { type ApplyPlace, recordedFiles } from './apply-changes.ts';
import type { ChangePlan } from './change-plan.ts';
import { dropDrafts, dropEntry, entriesOf, isMarked, type JournalEnd, mark, openEntry } from './journal.ts';
import { OwnFolder } from './own-folder.ts';
import type { CommitPlace, PlannedCommit } from './ports.ts';
import { undoChange } from './undo-change.ts';

/** What is in the journal, whoever wrote it there. */
export function pendingChanges({
  root,
  crypto,
}: ApplyPlace): readonly Pick<RecoveredChange, 'id' | 'manifest'>[] {
  const own = OwnFolder.open(root);
  if (own === undefined) return [];
  try {
    return entriesOf(crypto, own.journal).map(({ plan: { id, manifest } }) => ({ id, manifest }));
  } finally {
    own.close();
  }
}

/**
 * Finishes or undoes what another process began and was killed in. Answers every change that is not confirmed yet, also what
 * earlier calls have answered. Call it under the tree's lock; a change that was never begun leaves no trace here.
 */
export async function recoverChanges(place: ApplyPlace): Promise<readonly RecoveredChange[]> {
  const own = OwnFolder.open(place.root);
  if (own === undefined) return [];
  try {
    dropDrafts(own.journal);
    const recovered: RecoveredChange[] = [];
    for (const { plan, end } of entriesOf(place.crypto, own.journal)) {
      const outcome = end ?? (await finishOrUndo(place, own, plan));
      recovered.push({
        id: plan.id,
        manifest: plan.manifest,
        reverts: plan.reverts,
        outcome,
        files: recordedFiles(plan),
        tree: plan.tree,
        commit: outcome === 'landed' ? (plan.commit?.id ?? null) : null,
      });
    }
    return recovered;
  } finally {
    own.close();
  }
}

async function finishOrUndo(
  place: ApplyPlace,
  { journal, objects }: OwnFolder,
  plan: ChangePlan,
): Promise<JournalEnd> {
  const entry = openEntry(journal, plan.id);
  try {
    return await end(place, entry, objects, plan);
  } finally {
    entry.close();
  }
}

async function end(place: ApplyPlace, entry: Folder, objects: Folder, plan: ChangePlan): Promise<JournalEnd> {
  if (plan.commit !== null && (await isCommitted(place.commits(), entry, plan.commit))) {
    await mark(entry, 'landed');
    await refresh(place.commits(), plan);
    return 'landed';
  }
  await undoChange(place.root, entry, objects, plan);
  await mark(entry, 'undone');
  return 'undone';
}

/**
 * The files landed, durably, before the ref moved: where it has, nothing is left to do but to say so. Where it has not, a git
 * that outlived its governor may be about to move it, so nothing is undone until it no longer can.
 */
async function isCommitted(commits: CommitPlace, entry: Folder, commit: PlannedCommit): Promise<boolean> {
  return isMarked(entry, 'committing') ? commits.settle(commit) : commits.hasLanded(commit);
}

async function refresh(commits: CommitPlace, { files, commit }: ChangePlan): Promise<void> {
  if (commit !== null) await commits.refreshIndex(files, commit);
}

/** Forgets a change whose end is on record. Its files as they were stay, for a rollback. */
export async function confirmChange(place: ApplyPlace, id: string): Promise<void> {
  const own = OwnFolder.open(place.root);
  if (own === undefined) return;
  try {
    await dropEntry(own.journal, id);
  } finally {
    own.close();
  }
}
