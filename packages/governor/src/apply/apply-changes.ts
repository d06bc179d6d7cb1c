import type { Crypto, Digest } from '@provability-fabric/kernel';
import type { RecordedFile } from '../audit/change-event.ts';
import { GovernorError } from '../errors.ts';
import type { LandedChange, LandRequest } from '../service/ports.ts';
import type { Folder } from '../tree/folder.ts';
import { OWN_FOLDER, shownPath } from '../tree/tree-path.ts';
import type { TreeState } from '../tree/tree-state.ts';
import { type ChangePlan, type PlannedFile, planBytes } from './change-plan.ts';
import { dropDraft, dropEntry, entriesOf, mark, openDraft, openEntry, prepare } from './journal.ts';
import { landChange } from './land-change.ts';
import { OwnFolder } from './own-folder.ts';
import type { CommitPlace, CommitRequest, CommitSigner } from './ports.ts';
import { newName, stageChange } from './stage-change.ts';
import { isSame } from './target.ts';
import { undoChange } from './undo-change.ts';

/** What applying works on. */
export interface ApplyPlace {
  /** Absolute, for git. */
  readonly path: string;
  readonly root: Folder;
  readonly crypto: Crypto;
  readonly now: () => number;
  state(): Promise<TreeState>;
  commits(): CommitPlace;
  readonly commitSigner?: CommitSigner;
}

const SHOWN_PATHS = 5;

/**
 * All files or none, durably, also when the process or the machine ends at any point: what was begun is in the journal before
 * the first file changes, and `recover` finishes or undoes it. Resolves with the entry still in the journal; `confirm`
 * it once the change is on record. Call it under the tree's lock.
 */
export async function applyChanges(place: ApplyPlace, request: LandRequest): Promise<LandedChange> {
  const own = await OwnFolder.ensure(place.root);
  try {
    requireFinished(place.crypto, own);
    const state = await place.state();
    requireBase(state, request);
    const plan = await prepareChange(place, own, request, state);
    await carryOut(place, own, plan);
    return { tree: plan.tree, files: recordedFiles(plan), commit: plan.commit?.id ?? null };
  } finally {
    own.close();
  }
}

export function recordedFiles({ files }: ChangePlan): readonly RecordedFile[] {
  return files.map(({ path, before, after }) => ({
    path,
    before: before && { digest: before.digest, mode: before.mode },
    after: after && { digest: after.digest, mode: after.mode },
  }));
}

function requireFinished(crypto: Crypto, { journal }: OwnFolder): void {
  const open = entriesOf(crypto, journal).find(({ end }) => end === undefined);
  if (open === undefined) return;
  throw new GovernorError(
    'TREE_DAMAGED',
    `change \`${open.plan.id}\` was cut off and has to be undone before anything else is applied; recover the tree`,
  );
}

function requireBase(state: TreeState, { changes, expectedBase }: LandRequest): void {
  if (state.digest === expectedBase) return;
  const other = changes.filter(({ path, before }) => {
    const known = state.files.get(path);
    return known?.mode === '120000' || !isSame(known ? { ...known } : null, before);
  });
  const names = other.slice(0, SHOWN_PATHS).map(({ path }) => shownPath(path));
  const which =
    names.length > 0
      ? `other files at ${names.join(', ')}${other.length > SHOWN_PATHS ? ` and ${other.length - SHOWN_PATHS} more` : ''}`
      : 'the files of the change are as they were, others are not';
  throw new GovernorError(
    'STALE_BASE',
    `expected the tree \`${expectedBase}\` that the change was made for, got \`${state.digest}\` (${which}); make it anew for this one`,
  );
}

async function prepareChange(
  place: ApplyPlace,
  { journal, objects }: OwnFolder,
  request: LandRequest,
  state: TreeState,
): Promise<ChangePlan> {
  const { crypto, root } = place;
  const { id, manifest, reverts, changes } = request;
  const commit = commitRequest(place, request);
  const draft = openDraft(journal, id);
  try {
    const { after, ...staged } = await stageChange({ crypto, root, draft, objects, state, changes });
    requireTested(request.expectedAfter, after);
    const folder = `${place.path}/${OWN_FOLDER}/journal/.${id}`;
    const made = commit && {
      changes,
      folder,
      staged: (index: number) => `${folder}/${newName(index)}`,
    };
    const plan: ChangePlan = {
      at: place.now(),
      id,
      manifest,
      reverts,
      tree: { before: state.digest, after },
      ...staged,
      commit: made ? await place.commits().prepare(commit, made) : null,
    };
    await request.held();
    await prepare(journal, draft, id, planBytes(crypto, plan));
    return plan;
  } catch (error) {
    // Nothing of the tree was touched. What this leaves, a later recovery removes.
    await dropAll(journal, id).catch(() => {});
    throw error;
  } finally {
    draft.close();
  }
}

function commitRequest({ commitSigner }: ApplyPlace, { commit }: LandRequest): CommitRequest | undefined {
  if (commit === undefined) return undefined;
  const { message, sign } = commit;
  if (!sign) return { message };
  if (commitSigner !== undefined) return { message, signer: commitSigner };
  throw new GovernorError(
    'GIT_FAILED',
    'expected a key to sign commits with, as the policy asks for; give the governor one, or set `git: { sign: false }`',
  );
}

function requireTested(tested: Digest | null, after: Digest): void {
  if (tested === null || tested === after) return;
  throw new GovernorError(
    'STALE_BASE',
    `expected the tree to become \`${tested}\`, which the tests ran on, it would become \`${after}\`; try again`,
  );
}

async function dropAll(journal: Folder, id: string): Promise<void> {
  await dropEntry(journal, id);
  dropDraft(journal, `.${id}`);
}

async function carryOut(place: ApplyPlace, { journal, objects }: OwnFolder, plan: ChangePlan): Promise<void> {
  const { root } = place;
  const entry = openEntry(journal, plan.id);
  const done = new Set<PlannedFile>();
  try {
    try {
      await landChange(root, entry, plan, (file) => done.add(file));
      await requireLanded(place, plan);
      await mark(entry, plan.commit === null ? 'landed' : 'committing');
      if (plan.commit !== null) await place.commits().land(plan.commit);
    } catch (error) {
      if (!(await hasLandedAnyway(place, plan))) {
        await takeBack(place, { journal, objects, entry }, { plan, done }, error);
        throw error;
      }
    }
    // With a commit the ref has moved, and that decides: what fails from here on, a recovery makes up for.
    if (plan.commit !== null) {
      await place.commits().refreshIndex(plan.files, plan.commit);
      await mark(entry, 'landed').catch(() => {});
    }
  } finally {
    entry.close();
  }
}

/** The whole tree once more: what landed has to be the tree that was tested, also where others write to it meanwhile. */
async function requireLanded(place: ApplyPlace, plan: ChangePlan): Promise<void> {
  const { digest } = await place.state();
  if (digest === plan.tree.after) return;
  throw new GovernorError(
    'STALE_BASE',
    `the tree was changed by somebody else while the change was applied: expected \`${plan.tree.after}\` after it, got \`${digest}\``,
  );
}

/** The ref may have moved although the call failed. Where git cannot say, a later recovery finds out. */
async function hasLandedAnyway({ commits }: ApplyPlace, { id, commit }: ChangePlan): Promise<boolean> {
  if (commit === null) return false;
  try {
    return await commits().hasLanded(commit);
  } catch (error) {
    throw new GovernorError(
      'TREE_DAMAGED',
      `change \`${id}\` failed halfway, and git does not say whether its commit is there; recover the tree once git works`,
      { cause: error },
    );
  }
}

async function takeBack(
  place: ApplyPlace,
  own: { readonly journal: Folder; readonly objects: Folder; readonly entry: Folder },
  { plan, done }: { readonly plan: ChangePlan; readonly done: ReadonlySet<PlannedFile> },
  cause: unknown,
): Promise<void> {
  try {
    // A mark may be there although making it durable failed.
    own.entry.unlink('landed');
    own.entry.unlink('committing');
    await own.entry.sync();
    await undoChange(place.root, own.entry, own.objects, plan, done);
    await dropEntry(own.journal, plan.id);
  } catch (error) {
    if (error instanceof GovernorError && error.code === 'TREE_DAMAGED') throw error;
    throw new GovernorError(
      'TREE_DAMAGED',
      `change \`${plan.id}\` failed halfway and could not be taken back; recover the tree once the cause is mended`,
      { cause: new AggregateError([cause, error]) },
    );
  }
}
