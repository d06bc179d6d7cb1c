/** What is wrong with a store's path pattern, as the end of "expected …"; undefined where nothing is. */
export function pathPatternProblem(pattern: string): string | undefined {
  if (pattern === '' || pattern.length > 1024) return 'a path pattern of 1 to 1024 characters';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no path that the gate lets through has one
  if (/^[/~]|^[A-Za-z]:|[\\\u0000-\u001f\u007f]/.test(pattern)) {
    return 'a relative path pattern without back slashes and control characters';
  }
  const segments = pattern.split('/');
  if (segments.length > MAX_SEGMENTS) return `a path pattern of at most ${MAX_SEGMENTS} segments`;
  if (segments.includes('..')) return 'a path pattern without `..`';
  if (segments.some((segment) => segment !== '**' && segment.includes('**')))
    return '`**` as a whole segment';
  return undefined;
}

const MAX_SEGMENTS = 32;

/**
 * Whether braces stand anywhere but as the whole segment `{tenant}`; elsewhere they would be ordinary
 * characters.
 */
export function misusesPlaceholder(pattern: string): boolean {
  return pattern.split('/').some((segment) => /[{}]/.test(segment) && segment !== '{tenant}');
}

interface Tenants {
  /** Those that may act under the bundle: nobody else ever gets as far as a store. */
  readonly ids: readonly string[];
  /** Whether both patterns are read for one tenant, or for two different ones. */
  readonly same: boolean;
}

/** Whether some path matches both patterns. May say yes too often, never no. */
export function overlap(a: string, b: string, tenants: Tenants): boolean {
  return sequencesMeet(segmentsOf(a), segmentsOf(b), '**', (x, y) => segmentsOverlap(x, y, tenants));
}

function segmentsOf(pattern: string): readonly string[] {
  return pattern.split('/').filter((segment) => segment !== '' && segment !== '.');
}

function segmentsOverlap(a: string, b: string, { ids, same }: Tenants): boolean {
  if (a === '{tenant}' && b === '{tenant}') return same;
  if (a === '{tenant}') return ids.some((tenant) => wildcardsMeet(b, tenant));
  if (b === '{tenant}') return ids.some((tenant) => wildcardsMeet(a, tenant));
  return wildcardsMeet(a, b);
}

function wildcardsMeet(a: string, b: string): boolean {
  return sequencesMeet([...a], [...b], '*', (x, y) => x === y);
}

/**
 * Whether two sequences of parts have a text in common, where `any` stands for any run of parts: a walk over
 * the pairs of positions, row by row, without recursion.
 */
function sequencesMeet(
  left: readonly string[],
  right: readonly string[],
  any: string,
  meet: (a: string, b: string) => boolean,
): boolean {
  let row = new Set([0]);
  for (let i = 0; ; i += 1) {
    const part = left[i];
    const below = new Set<number>();
    // Positions are added while walking: a run on the right may end anywhere, one on the left may cover any
    // part.
    for (const j of row) {
      const other = right[j];
      if (other === any) row.add(j + 1);
      if (part === any) {
        below.add(j);
        if (other !== undefined) row.add(j + 1);
      } else if (part !== undefined) {
        if (other === any) below.add(j);
        else if (other !== undefined && meet(part, other)) below.add(j + 1);
      }
    }
    if (part === undefined) return row.has(right.length);
    row = below;
  }
}
