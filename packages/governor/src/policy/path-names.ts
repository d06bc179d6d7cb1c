// Which names are one and the same to a file system that knows no case or writes accents otherwise, and which of them
// belong to git and to the governor.

import { isAscii, withoutInvisible } from './invisible-characters.ts';

/** Equal for names that some file system takes for one. */
export function foldedName(name: string): string {
  if (isAscii(name)) return name.toLowerCase();
  return withoutInvisible(name.normalize('NFKC')).toUpperCase().toLowerCase().normalize('NFKC');
}

/** As above, and without what Windows drops or takes for a stream of the file. */
function bareName(segment: string): string {
  return foldedName(segment)
    .replace(/:.*$/s, '')
    .replace(/[. ]+$/, '');
}

/** Short names that Windows gives: `git~1` is `.git`. */
function isNamed(segment: string, name: string, short: string): boolean {
  const bare = bareName(segment);
  return bare === name || (bare.startsWith(`${short}~`) && /^[0-9]{1,6}$/.test(bare.slice(short.length + 1)));
}

export const isGitFolder = (segment: string): boolean => isNamed(segment, '.git', 'git');
export const isGovernorFolder = (segment: string): boolean => isNamed(segment, '.safeai', 'safeai');
export const isModulesFile = (segment: string): boolean =>
  isNamed(segment, '.gitmodules', 'gitmod') || /^gi7eba~[0-9]{1,6}$/.test(bareName(segment));
export const isAttributesFile = (segment: string): boolean =>
  isNamed(segment, '.gitattributes', 'gitatt') || /^gi7d29~[0-9]{1,6}$/.test(bareName(segment));

const HOOK_FOLDERS = new Set(['.githooks', '.git-hooks', '.husky']);
const HOOK_NAMES =
  /^(?:applypatch-msg|pre-applypatch|post-applypatch|pre-commit|pre-merge-commit|prepare-commit-msg|commit-msg|post-commit|pre-rebase|post-checkout|post-merge|pre-push|pre-receive|update|proc-receive|post-receive|post-update|reference-transaction|push-to-checkout|pre-auto-gc|post-rewrite|sendemail-validate|fsmonitor-watchman)$/;

/** A script that git starts by itself on somebody's machine, where `core.hooksPath` says so. */
export function isHook(segments: readonly string[]): boolean {
  const names = segments.map(bareName);
  const last = names.at(-1) ?? '';
  if (names.slice(0, -1).some((name) => HOOK_FOLDERS.has(name))) return true;
  return names.at(-2) === 'hooks' && HOOK_NAMES.test(last);
}
