import type { StoreRule } from '../../compiled-bundle.ts';

export type PathPlace =
  | { readonly kind: 'own'; readonly store: string }
  | { readonly kind: 'other_tenant'; readonly store: string }
  | { readonly kind: 'outside'; readonly why: string };

/**
 * Where a path leads, by its text alone: the agent controls it, so anything that a file system could read in two ways
 * (parent segments, absolute or home paths, back slashes, control characters) leads outside.
 */
export function placeOf(
  path: string,
  stores: readonly (readonly [string, StoreRule])[],
  tenant: string,
): PathPlace {
  const segments = segmentsOf(path);
  if (typeof segments === 'string') return { kind: 'outside', why: segments };
  for (const [name, store] of stores) {
    if (store.paths.some((pattern) => matchesPattern(pattern, segments, tenant)))
      return { kind: 'own', store: name };
  }
  for (const [name, store] of stores) {
    if (store.paths.some((pattern) => matchesPattern(pattern, segments, null))) {
      return { kind: 'other_tenant', store: name };
    }
  }
  return { kind: 'outside', why: 'matches no path of the stores' };
}

function segmentsOf(path: string): readonly string[] | string {
  if (path.startsWith('/') || path.startsWith('~') || /^[A-Za-z]:/.test(path)) return 'is not relative';
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index);
    if (code < 0x20 || code === 0x7f || code === 0x5c) return 'has a back slash or control character';
  }
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  return segments.includes('..') ? 'climbs to a parent folder' : segments;
}

/** `tenant` null: `{tenant}` stands for any one segment. */
function matchesPattern(pattern: string, segments: readonly string[], tenant: string | null): boolean {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  const reachable = new Set([0]);
  for (const part of parts) {
    const before = [...reachable];
    reachable.clear();
    for (const position of before) {
      if (part === '**') for (let end = position; end <= segments.length; end += 1) reachable.add(end);
      else if (position < segments.length && matchesSegment(part, segments[position] as string, tenant)) {
        reachable.add(position + 1);
      }
    }
  }
  return reachable.has(segments.length);
}

function matchesSegment(part: string, segment: string, tenant: string | null): boolean {
  if (part === '{tenant}') return tenant === null || segment === tenant;
  return matchesWildcard(part, segment);
}

/** `*` matches any run of characters; linear in both texts, since the agent chooses the second. */
export function matchesWildcard(pattern: string, text: string): boolean {
  let at = 0;
  let position = 0;
  let star = -1;
  let resume = 0;
  while (position < text.length) {
    if (pattern[at] === '*') {
      star = at;
      at += 1;
      resume = position;
    } else if (at < pattern.length && pattern[at] === text[position]) {
      at += 1;
      position += 1;
    } else if (star >= 0) {
      at = star + 1;
      resume += 1;
      position = resume;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
