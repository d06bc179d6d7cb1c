import type { RecordedFile } from '../audit/change-event.ts';
import type { FileChange, TreeFile } from '../change.ts';
import { GovernorError } from '../errors.ts';
import type { FileMode } from '../manifest/manifest.ts';
import type { RecordedChange } from '../service/ports.ts';
import { readWhole } from '../tree/file-digest.ts';
import { inFolder } from '../tree/folder.ts';
import { shownPath } from '../tree/tree-path.ts';
import type { TreeState } from '../tree/tree-state.ts';
import type { ApplyPlace } from './apply-changes.ts';
import { OwnFolder } from './own-folder.ts';
import { readPreImage } from './pre-images.ts';
import { isSame, splitPath } from './target.ts';

const SHOWN = 5;

/** What of a change cannot be taken back as its files are not what it made them; the index is null where nobody is on record. */
interface Overlap {
  readonly path: string;
  readonly by: Pick<RecordedChange, 'index' | 'manifest'> | null;
}

/**
 * Which of a change's files are something else by now, and which later change made them so. What later changes did and was
 * undone again is no overlap: the last change can be taken back first, and then the one before.
 */
function overlapsOf(
  files: readonly RecordedFile[],
  current: TreeState['files'],
  later: readonly RecordedChange[],
): readonly Overlap[] {
  return files
    .filter(({ path, before, after }) => {
      const known = current.get(path);
      // Where a file is to come back, no other may be above or below it.
      return !isSame(known ?? null, after) || (after === null && before !== null && isTaken(path, current));
    })
    .map(({ path }) => ({ path, by: lastChangeOf(path, current, later) }));
}

function isTaken(path: string, current: TreeState['files']): boolean {
  for (const other of current.keys()) if (touches(other, path)) return true;
  return false;
}

function touches(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}

/** null where the file is not what the latest change left it as either. */
function lastChangeOf(
  path: string,
  current: TreeState['files'],
  later: readonly RecordedChange[],
): Overlap['by'] {
  for (const change of [...later].sort((a, b) => b.index - a.index)) {
    const file = change.files.find((one) => touches(one.path, path));
    if (file === undefined) continue;
    const known = current.get(file.path) ?? null;
    return isSame(known, file.after) ? { index: change.index, manifest: change.manifest } : null;
  }
  return null;
}

/** The change that takes another back. Throws ROLLBACK_OVERLAP and ROLLBACK_IMPOSSIBLE; changes nothing. */
export async function inverseOf(
  place: ApplyPlace,
  change: RecordedChange,
  later: readonly RecordedChange[],
): Promise<readonly FileChange[]> {
  const { files } = await place.state();
  const overlaps = overlapsOf(change.files, files, later);
  if (overlaps.length > 0) throw overlapError(change, overlaps);
  const own = OwnFolder.open(place.root);
  try {
    return change.files.map((file) => ({
      path: file.path,
      before: file.after === null ? null : nowAt(place, file.path),
      after: file.before === null ? null : asItWas(own, file.path, file.before),
    }));
  } finally {
    own?.close();
  }
}

function nowAt({ root }: ApplyPlace, path: string): TreeFile {
  const { above, name } = splitPath(path);
  const found = inFolder(root, above, (folder) => readWhole(folder, name));
  if (found !== undefined) return found.file;
  throw new GovernorError('STALE_BASE', `${shownPath(path)} was removed meanwhile`);
}

function asItWas(
  own: OwnFolder | undefined,
  path: string,
  before: NonNullable<RecordedFile['before']>,
): TreeFile {
  const bytes = own && readPreImage(own.objects, before.digest);
  if (bytes === undefined) {
    throw new GovernorError(
      'ROLLBACK_IMPOSSIBLE',
      `what ${shownPath(path)} was is not in \`.safeai/objects\` any more, or was altered there; put \`${before.digest}\` back from a backup`,
    );
  }
  return { bytes, digest: before.digest, mode: fileMode(path, before.mode) };
}

function fileMode(path: string, mode: string): FileMode {
  if (mode === '100644' || mode === '100755') return mode;
  throw new GovernorError('ROLLBACK_IMPOSSIBLE', `${shownPath(path)} is on record with an unknown mode`);
}

function overlapError({ index }: RecordedChange, overlaps: readonly Overlap[]): GovernorError {
  const named = overlaps.slice(0, SHOWN).map(({ path, by }) => {
    const who =
      by === null ? 'changed outside the governor' : `changed by \`${by.manifest}\` at index ${by.index}`;
    return `${shownPath(path)} ${who}`;
  });
  const more = overlaps.length > SHOWN ? ` and ${overlaps.length - SHOWN} more` : '';
  return new GovernorError(
    'ROLLBACK_OVERLAP',
    `the change at index ${index} cannot be taken back as it is: ${named.join(', ')}${more}; take those back first, or propose a change of your own`,
  );
}
