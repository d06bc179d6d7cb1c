import { utf8 } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import type { ChangeManifest, Edit, FileWrite } from './manifest.ts';
import { MANIFEST_LIMITS } from './manifest-limits.ts';
import { quotedPath } from './quoted-path.ts';

type Kind = 'edits' | 'diffs' | 'files';

/**
 * What a manifest says that it changes is what it changes: people and rules read the targets. Each path is changed in one way,
 * so that no order among the ways has to be known. Throws MANIFEST_INVALID.
 */
export function checkTargets(manifest: ChangeManifest): void {
  const changed = changedPaths(manifest);
  const targets = new Set(manifest.targets);
  if (targets.size !== manifest.targets.length) throw invalid('expected each target once');
  for (const path of changed.keys())
    if (!targets.has(path))
      throw invalid(`expected ${quotedPath(path)}, which is changed, among \`targets\``);
  for (const path of targets)
    if (!changed.has(path)) throw invalid(`expected a change of the target ${quotedPath(path)}, came none`);
  checkDepth(manifest.targets);
  checkEdits(manifest.edits);
  checkContent(manifest);
}

function checkDepth(targets: readonly string[]): void {
  const { allPathNames } = MANIFEST_LIMITS;
  const names = targets.reduce((sum, path) => sum + path.split('/').length, 0);
  if (names > allPathNames)
    throw invalid(
      `expected at most ${allPathNames} names of folders and files in all targets, came \`${names}\`; make several changes`,
    );
}

function changedPaths({ edits, diffs, files }: ChangeManifest): ReadonlyMap<string, Kind> {
  const changed = new Map<string, Kind>();
  const add = (path: string, kind: Kind) => {
    const before = changed.get(path);
    if (before !== undefined && (kind !== 'edits' || before !== 'edits'))
      throw invalid(
        `expected ${quotedPath(path)} to be changed in one way, came \`${before}\` and \`${kind}\``,
      );
    changed.set(path, kind);
  };
  for (const { path } of edits) add(path, 'edits');
  for (const { path } of diffs) add(path, 'diffs');
  for (const { path } of files) add(path, 'files');
  return changed;
}

function checkEdits(edits: readonly Edit[]): void {
  const byPath = new Map<string, Edit[]>();
  for (const edit of edits) {
    checkLines(edit);
    const known = byPath.get(edit.path);
    if (known === undefined) byPath.set(edit.path, [edit]);
    else known.push(edit);
  }
  for (const [path, all] of byPath) checkDisjoint(path, all);
}

function checkLines({ path, op, start, end, text }: Edit): void {
  if (end < start) throw invalid(`expected \`end\` not before \`start\` in an edit of ${quotedPath(path)}`);
  if (op === 'insert' && end !== start)
    throw invalid(`expected \`end\` to equal \`start\` where lines are inserted into ${quotedPath(path)}`);
  if (op === 'insert' && text === '')
    throw invalid(`expected \`text\` to insert into ${quotedPath(path)}; an empty line is a newline`);
  if (op === 'delete' && text !== '')
    throw invalid(
      `expected no \`text\` where lines of ${quotedPath(path)} are deleted; \`replace\` takes one`,
    );
}

/** An insertion stands before its line: it may touch a replaced range at its edges, never lie within. */
function checkDisjoint(path: string, edits: readonly Edit[]): void {
  const sorted = [...edits].sort(inOrder);
  let end = -1; // last line taken so far
  let inserted = -1;
  for (const edit of sorted) {
    const clash = edit.op === 'insert' ? edit.start === inserted || edit.start <= end : edit.start <= end;
    if (clash)
      throw invalid(
        `expected edits of ${quotedPath(path)} that do not overlap, came two at line ${edit.start}`,
      );
    if (edit.op === 'insert') inserted = edit.start;
    else end = edit.end;
  }
}

/** By line; what is inserted before a line comes before what replaces it. */
export function inOrder(a: Edit, b: Edit): number {
  return a.start - b.start || Number(b.op === 'insert') - Number(a.op === 'insert');
}

function checkContent({ edits, diffs, files }: ChangeManifest): void {
  let bytes = 0;
  for (const { text } of edits) bytes += utf8(text).length;
  for (const { diff } of diffs) bytes += utf8(diff).length;
  for (const file of files) bytes += checkWrite(file);
  const { allContentBytes } = MANIFEST_LIMITS;
  if (bytes > allContentBytes)
    throw invalid(
      `expected at most ${allContentBytes} bytes of content in all, came \`${bytes}\`; make several changes`,
    );
}

function checkWrite({ path, base, content, mode }: FileWrite): number {
  if (content === null) {
    if (base === null)
      throw invalid(`expected \`base\`, the digest of ${quotedPath(path)}, where it is deleted`);
    if (mode !== undefined) throw invalid(`expected no \`mode\` for ${quotedPath(path)}, which is deleted`);
    return 0;
  }
  return 'text' in content ? utf8(content.text).length : (content.base64.length / 4) * 3;
}

function invalid(message: string): GovernorError {
  return new GovernorError('MANIFEST_INVALID', message);
}
