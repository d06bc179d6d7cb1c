/**
 * A pattern of paths: `src/` is everything below a folder, `src/a.ts` one file, and with `*`, `?` or `**` it is a glob in
 * which only `**` spans folders.
 */
export interface PathPattern {
  readonly text: string;
  readonly kind: 'folder' | 'file' | 'glob';
  matches(path: string): boolean;
}

const MAX_LENGTH = 512;

/** What is wrong with a pattern; undefined for one that can be used. */
export function pathPatternProblem(text: string): string | undefined {
  const path = withoutDot(text);
  if (path === '' || path === '/') return 'expected a path, came nothing';
  if (path.length > MAX_LENGTH) return `expected at most ${MAX_LENGTH} characters, came ${path.length}`;
  if (path.startsWith('/'))
    return 'expected a path relative to the tree, came an absolute one; leave out the first `/`';
  if (path.includes('\\')) return 'expected `/` between folders, came a backslash';
  const segments = path.replace(/\/$/, '').split('/');
  const odd = segments.find((segment) => segment === '' || segment === '.' || segment === '..');
  if (odd !== undefined) return `expected a path without \`//\`, \`.\` and \`..\`, came a part \`${odd}\``;
  return undefined;
}

export function pathPattern(text: string): PathPattern {
  const path = withoutDot(text);
  if (/[*?]/.test(path)) {
    // `src/**/` and `src/*/` mean what is below.
    const tokens = globTokens(path.endsWith('/') ? `${path}**` : path);
    return { text, kind: 'glob', matches: (candidate) => runTokens(tokens, candidate) };
  }
  if (path.endsWith('/')) return { text, kind: 'folder', matches: (candidate) => candidate.startsWith(path) };
  return { text, kind: 'file', matches: (candidate) => candidate === path };
}

/** The folder or file that a pattern without wildcards names, as Cedar's entities do: without a last `/`. */
export function namedPath({ text }: PathPattern): string {
  return withoutDot(text).replace(/\/$/, '');
}

function withoutDot(text: string): string {
  return text.startsWith('./') ? text.slice(2) : text;
}

/** A part of a pattern: one character, or any number of those that `spans` takes. */
export type PatternToken =
  | { readonly kind: 'one'; readonly takes: (character: string) => boolean }
  | { readonly kind: 'many'; readonly takes: (character: string) => boolean }
  /** `**` with its slash: nothing, or whole folders. */
  | { readonly kind: 'folders' };

const NOT_SLASH = (character: string) => character !== '/';
const ANY = () => true;

function globTokens(glob: string): readonly PatternToken[] {
  const tokens: PatternToken[] = [];
  for (let at = 0; at < glob.length; ) {
    const atSegment = at === 0 || glob[at - 1] === '/';
    if (atSegment && glob.startsWith('**/', at)) {
      tokens.push({ kind: 'folders' });
      at += 3;
    } else if (glob.startsWith('**', at)) {
      tokens.push({ kind: 'many', takes: ANY });
      at += 2;
    } else {
      const character = glob[at] ?? '';
      if (character === '*') tokens.push({ kind: 'many', takes: NOT_SLASH });
      else if (character === '?') tokens.push({ kind: 'one', takes: NOT_SLASH });
      else tokens.push({ kind: 'one', takes: (other) => other === character });
      at += 1;
    }
  }
  return tokens;
}

/** Follows all ways through the pattern at once: time is length times length, whatever both contain. */
export function runTokens(tokens: readonly PatternToken[], text: string): boolean {
  let states = new Set<number>();
  const enter = (into: Set<number>, state: number): void => {
    for (let at = state; !into.has(at); at += 1) {
      into.add(at);
      const token = tokens[at];
      // Both may take nothing, so what follows is reached as well.
      if (token === undefined || token.kind === 'one') return;
    }
  };
  enter(states, 0);
  for (const character of text.split('')) {
    const next = new Set<number>();
    for (const state of states) {
      const token = tokens[state];
      if (token === undefined) continue;
      if (token.kind === 'one') {
        if (token.takes(character)) enter(next, state + 1);
      } else if (token.kind === 'many') {
        if (token.takes(character)) enter(next, state);
      } else if (character === '/') {
        enter(next, state);
      } else {
        // Within a folder's name: only this token goes on, as what follows begins after a slash.
        next.add(state);
      }
    }
    if (next.size === 0) return false;
    states = next;
  }
  return states.has(tokens.length);
}
