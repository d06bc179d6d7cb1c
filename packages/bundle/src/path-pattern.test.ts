import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { misusesPlaceholder, overlap, pathPatternProblem } from './path-pattern.ts';

const ids = ['acme', 'globex'];

/** Whether a path matches, in the plainest way: the pattern as a regular expression. */
function matches(pattern: string, path: string, tenant: string): boolean {
  const parts = pattern.split('/').map((part) => (part === '{tenant}' ? tenant : part));
  const match = (at: number, segments: readonly string[]): boolean => {
    const part = parts[at];
    if (part === undefined) return segments.length === 0;
    if (part === '**')
      return segments.some((_, from) => match(at + 1, segments.slice(from))) || match(at + 1, []);
    const [first, ...rest] = segments;
    const segment = new RegExp(`^${part.split('*').join('.*')}$`);
    return first !== undefined && segment.test(first) && match(at + 1, rest);
  };
  return match(0, path.split('/'));
}

describe('two path patterns', () => {
  it.each([
    ['a/**', 'b/**', false],
    ['a/**', 'a/b', true],
    ['**', 'a/b/c', true],
    ['a/*/c', 'a/b/*', true],
    ['a/*.md', 'a/*.txt', false],
    ['a/x*', 'a/*y', true],
    ['own/{tenant}/**', 'own/shared/**', false],
    ['own/{tenant}/**', 'own/acme/**', true],
    ['own/{tenant}/**', 'own/*/x', true],
    ['own/{tenant}', 'own/{tenant}', true],
  ])('%s and %s overlap: %s', (a, b, expected) => {
    expect(overlap(a, b, { ids, same: true })).toBe(expected);
    expect(overlap(b, a, { ids, same: true })).toBe(expected);
  });

  it('of two tenants are apart only where the tenant stands in the same place', () => {
    expect(overlap('own/{tenant}/**', 'own/{tenant}/**', { ids, same: false })).toBe(false);
    expect(overlap('**/{tenant}/**', '**/{tenant}/**', { ids, same: false })).toBe(true);
    expect(overlap('meet/**', 'meet/**', { ids, same: false })).toBe(true);
  });

  it('that share a path are always found to', () => {
    const segment = fc.constantFrom('a', 'b', 'ab', 'acme', '*', '**', 'a*', '*b', '{tenant}');
    const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'acme', 'globex', 'x'), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        pattern,
        pattern,
        path,
        fc.constantFrom(...ids),
        fc.constantFrom(...ids),
        (a, b, parts, t, u) => {
          const shared = matches(a, parts.join('/'), t) && matches(b, parts.join('/'), u);
          if (shared) expect(overlap(a, b, { ids, same: t === u })).toBe(true);
        },
      ),
      { numRuns: 20_000, seed: 11 },
    );
  });
});

describe('a path pattern', () => {
  it.each(['/etc', '~/x', 'C:/x', 'a/../b', 'a\\b', 'a\nb', 'a**', '', 'a/'.repeat(40)])(
    '%j is refused',
    (pattern) => {
      expect(pathPatternProblem(pattern)).toBeDefined();
    },
  );

  it.each(['.', '**', 'a/*/b', 'a/**/b.md', '{tenant}/x'])('%j is taken', (pattern) => {
    expect(pathPatternProblem(pattern)).toBeUndefined();
    expect(misusesPlaceholder(pattern)).toBe(false);
  });

  it.each(['{tenent}/x', 'a-{tenant}/x', '{tenant', '{a,b}'])('%j misuses braces', (pattern) => {
    expect(misusesPlaceholder(pattern)).toBe(true);
  });
});
