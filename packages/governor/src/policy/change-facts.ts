import { type FileChange, type FileOperation, operationOf, type TreeFile } from '../change.ts';
import type { ChangeManifest, Edit } from '../manifest/manifest.ts';
import { matchName } from './cedar-text.ts';
import { foldedName } from './path-names.ts';
import { namedPath, type PathPattern, pathPattern } from './path-pattern.ts';
import type { PlanInput } from './plan.ts';
import { textOf } from './searched-text.ts';
import type { PolicySettings } from './settings.ts';

/** What Cedar is told of one file. */
export interface FileFacts {
  readonly path: string;
  readonly operation: FileOperation;
  readonly extension: string;
  /** The largest edit, diff or written file of it. */
  readonly editBytes: number;
  readonly edits: readonly Edit['op'][];
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly binary: boolean;
  readonly generated: boolean;
  readonly modeChanged: boolean;
  readonly matches: readonly string[];
}

interface MatchedPattern {
  readonly name: string;
  matches(path: string): boolean;
}

/** Looks at each changed file once. The patterns are made when the policy is loaded. */
export function fileFacts(settings: PolicySettings): (input: PlanInput) => readonly FileFacts[] {
  const patterns: readonly MatchedPattern[] = [
    ...settings.allow_paths.map((text) => named('allow', text, pathPattern(text))),
    ...settings.deny_paths.map((text) => ({ name: matchName('deny', text), matches: denies(text) })),
    ...settings.binary_paths.map((text) => named('binary', text, pathPattern(text))),
  ];
  const generatedPaths = settings.generated_paths.map(pathPattern);
  const isGenerated = (path: string, file: TreeFile | null) =>
    generatedPaths.some((pattern) => pattern.matches(path)) ||
    (file !== null && hasMarker(file, settings.generated_markers));
  return ({ manifest, changes }) => {
    const sizes = editSizes(manifest);
    return changes.map((change) => {
      const { path, before, after } = change;
      return {
        path,
        operation: operationOf(change),
        extension: /[^/]\.([^./]+)$/.exec(path)?.[1] ?? '',
        editBytes: sizes.get(path)?.largest ?? 0,
        edits: sizes.get(path)?.edits ?? [],
        bytesBefore: before?.bytes.length ?? 0,
        bytesAfter: after?.bytes.length ?? 0,
        binary: [before, after].some((file) => file !== null && textOf(file) === undefined),
        generated: isGenerated(path, before) || isGenerated(path, after),
        modeChanged: changesMode(change),
        matches: patterns.filter((pattern) => pattern.matches(path)).map(({ name }) => name),
      };
    });
  };
}

/** A new file that can be run is a change of mode as well: nothing could be run there before. */
function changesMode({ before, after }: FileChange): boolean {
  return after !== null && after.mode !== (before?.mode ?? '100644');
}

function named(key: 'allow' | 'binary', text: string, pattern: PathPattern): MatchedPattern {
  return { name: matchName(key, text), matches: (path) => pattern.matches(path) };
}

/** A denied file is denied as a folder too, a folder as a file, and each in any case: on some systems that is the same place. */
function denies(text: string): (path: string) => boolean {
  const exact = pathPattern(text);
  const folded = pathPattern(foldedName(text));
  const place = exact.kind === 'glob' ? undefined : foldedName(namedPath(exact));
  return (path) => {
    if (exact.matches(path)) return true;
    const other = foldedName(path);
    return (
      folded.matches(other) || (place !== undefined && (other === place || other.startsWith(`${place}/`)))
    );
  };
}

const MARKED_LINES = 10;
const MARKED_CHARACTERS = 4096;

/** Generators say so in the first lines, and a person's edit of the file is lost when they run again. */
function hasMarker(file: TreeFile, markers: readonly string[]): boolean {
  if (markers.length === 0) return false;
  const beginning = Buffer.from(file.bytes.subarray(0, MARKED_CHARACTERS)).toString('utf8').toLowerCase();
  const head = beginning.split('\n').slice(0, MARKED_LINES).join('\n');
  return markers.some((marker) => head.includes(marker.toLowerCase()));
}

interface EditSizes {
  readonly largest: number;
  readonly edits: readonly Edit['op'][];
}

/** Of what the manifest itself carries: a small edit of a large file is small. */
function editSizes(manifest: ChangeManifest): ReadonlyMap<string, EditSizes> {
  const sizes = new Map<string, EditSizes>();
  for (const { path, bytes, op } of manifestEntries(manifest)) {
    const known = sizes.get(path) ?? { largest: 0, edits: [] };
    const edits = op === undefined || known.edits.includes(op) ? known.edits : [...known.edits, op];
    sizes.set(path, { largest: Math.max(known.largest, bytes), edits });
  }
  return sizes;
}

/** Bytes that a change carries in all. */
export function totalBytes(manifest: ChangeManifest): number {
  return manifestEntries(manifest).reduce((sum, { bytes }) => sum + bytes, 0);
}

function manifestEntries(
  manifest: ChangeManifest,
): readonly { readonly path: string; readonly bytes: number; readonly op?: Edit['op'] }[] {
  return [
    ...manifest.edits.map(({ path, text, op }) => ({ path, bytes: Buffer.byteLength(text), op })),
    ...manifest.diffs.map(({ path, diff }) => ({ path, bytes: Buffer.byteLength(diff) })),
    ...manifest.files.map(({ path, content }) => {
      if (content === null) return { path, bytes: 0 };
      const bytes =
        'text' in content ? Buffer.byteLength(content.text) : Buffer.byteLength(content.base64, 'base64');
      return { path, bytes };
    }),
  ];
}
