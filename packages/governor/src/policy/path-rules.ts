import { pathFormProblem } from './path-form.ts';
import {
  foldedName,
  isAttributesFile,
  isGitFolder,
  isGovernorFolder,
  isHook,
  isModulesFile,
} from './path-names.ts';
import type { PlanInput } from './plan.ts';
import { pathFinding, type Rule, type RuleFinding, shownPath } from './rule.ts';
import { addedPatterns, textOf } from './searched-text.ts';
import type { LinedText } from './text-scanner.ts';

interface PathProblem {
  readonly path: string;
  readonly why: string;
}

/** All paths that a manifest names, once each: also those that nothing was made of. */
function namedPaths({ manifest, changes }: PlanInput): readonly string[] {
  const { targets, edits, diffs, files } = manifest;
  const entries = [...edits, ...diffs, ...files, ...changes].map(({ path }) => path);
  return [...new Set([...targets, ...entries])];
}

function eachPath(
  input: PlanInput,
  problemOf: (path: string, segments: readonly string[]) => string | undefined,
): readonly PathProblem[] {
  return namedPaths(input).flatMap((path) => {
    const why = problemOf(path, path.split('/'));
    return why === undefined ? [] : [{ path, why }];
  });
}

/** What is wrong with where a change goes, whatever the policy's file says. */
export const PATH_RULES: readonly Rule[] = [
  {
    name: 'targets',
    check: (input) => {
      const targets = new Set(input.manifest.targets);
      const changed = new Set(input.changes.map(({ path }) => path));
      const problems = namedPaths(input).flatMap((path): PathProblem[] => {
        if (!targets.has(path)) return [{ path, why: 'changes and is not among the targets' }];
        return changed.has(path) ? [] : [{ path, why: 'is a target and does not change' }];
      });
      const isRepeated = targets.size < input.manifest.targets.length || changed.size < input.changes.length;
      if (problems.length === 0 && (isRepeated || targets.size === 0)) {
        return { verdict: 'blocked', detail: 'expected at least one target, and each once' };
      }
      return pathFinding(
        problems,
        'targets and changes are the same',
        'name in `targets` exactly what changes',
      );
    },
  },
  {
    name: 'path_form',
    check: (input) =>
      pathFinding(
        eachPath(input, pathFormProblem),
        'every path names one place below the root',
        'write it plainly',
      ),
  },
  {
    name: 'git_folder',
    check: (input) =>
      pathFinding(
        eachPath(input, (_, segments) => (segments.some(isGitFolder) ? 'is in `.git`' : undefined)),
        'nothing of `.git` is touched, in no spelling',
        'git keeps its own files',
      ),
  },
  {
    name: 'governor_folder',
    check: (input) =>
      pathFinding(
        eachPath(input, (_, segments) => (segments.some(isGovernorFolder) ? 'is in `.safeai`' : undefined)),
        'nothing of `.safeai` is touched, in no spelling',
        'the governor keeps its journal there',
      ),
  },
  {
    name: 'submodules',
    check: (input) =>
      pathFinding(
        eachPath(input, (_, segments) => (segments.some(isModulesFile) ? 'declares submodules' : undefined)),
        'no submodule is declared',
        'change submodules with git, by hand',
      ),
  },
  {
    name: 'git_hooks',
    check: (input) =>
      pathFinding(
        eachPath(input, (_, segments) => (isHook(segments) ? 'is a script that git starts' : undefined)),
        'no script is touched that git starts by itself',
        'change hooks by hand',
      ),
  },
  { name: 'git_attributes', check: checkAttributes },
  { name: 'links', check: checkLinks },
  { name: 'collisions', check: checkCollisions },
];

/** A filter, diff or merge driver is a program that git starts on other people's machines. */
function checkAttributes({ changes }: PlanInput): RuleFinding {
  const drivers = (text: LinedText) =>
    [...text.text.matchAll(/(?:filter|diff|merge)[ \t]{0,20}=/gi)].map((found) =>
      text.match('driver', found.index, found.index + found[0].length),
    );
  const problems = changes.flatMap(({ path, before, after }): PathProblem[] => {
    if (after === null || !isAttributesFile(path.split('/').at(-1) ?? '')) return [];
    const written = textOf(after);
    if (written === undefined) return [{ path, why: 'is not text' }];
    const added = addedPatterns((before && textOf(before)) ?? null, written, drivers).length > 0;
    return added ? [{ path, why: 'names a driver, which is a program that git starts' }] : [];
  });
  return pathFinding(
    problems,
    'no attribute names a program that git starts',
    'leave out filter, diff and merge',
  );
}

/** What is in the tree and was not read as a file is a link; and below a file there can be nothing. */
function checkLinks({ changes, paths }: PlanInput): RuleFinding {
  const present = new Set(paths);
  const problems = changes.flatMap(({ path, before }): PathProblem[] => {
    if (before === null && present.has(path))
      return [{ path, why: 'is there already, as a link or nothing that can be read' }];
    const parent = parentsOf(path).find((folder) => present.has(folder));
    return parent === undefined
      ? []
      : [{ path, why: `goes through ${shownPath(parent)}, which is a file or a link` }];
  });
  return pathFinding(problems, 'no target is a link or lies behind one', 'name the file that is meant');
}

function parentsOf(path: string): readonly string[] {
  const segments = path.split('/');
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'));
}

/** Names that are two here and one on another system, and a name that would be a file and a folder at once. */
function checkCollisions({ changes, paths }: PlanInput): RuleFinding {
  const created = changes
    .filter(({ before, after }) => before === null && after !== null)
    .map(({ path }) => path);
  const passed = 'no new name is another one on any system';
  const mend = 'choose a name that differs in more than case or accents';
  if (created.length === 0) return pathFinding([], passed, mend);
  const names = new Names();
  for (const path of paths) names.add(path);
  const problems: PathProblem[] = [];
  for (const path of created) {
    if (path.normalize('NFC') !== path) {
      problems.push({ path, why: "expected the name in Unicode's composed form (NFC)" });
    }
    const why = names.problemOf(path);
    if (why !== undefined) problems.push({ path, why });
    names.add(path);
  }
  return pathFinding(problems, passed, mend);
}

class Names {
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();
  /** By folded name how it is written. */
  readonly #written = new Map<string, string>();

  add(path: string): void {
    this.#files.add(path);
    this.#keep(path);
    let slash = path.lastIndexOf('/');
    while (slash > 0) {
      const folder = path.slice(0, slash);
      // A folder that is known has known parents.
      if (this.#folders.has(folder)) return;
      this.#folders.add(folder);
      this.#keep(folder);
      slash = folder.lastIndexOf('/');
    }
  }

  problemOf(path: string): string | undefined {
    if (this.#folders.has(path)) return 'is a folder already';
    if (this.#files.has(path)) return 'is created twice';
    for (const name of [...parentsOf(path), path]) {
      if (name !== path && this.#files.has(name)) return 'lies below a file';
      const other = this.#written.get(foldedName(name));
      if (other !== undefined && other !== name)
        return 'is the same as a name that is there, but for case or accents';
    }
    return undefined;
  }

  #keep(name: string): void {
    const folded = foldedName(name);
    if (!this.#written.has(folded)) this.#written.set(folded, name);
  }
}
