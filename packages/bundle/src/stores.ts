import type { StoreRule } from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { compileLabel } from './labels.ts';
import { misusesPlaceholder, pathPatternProblem } from './path-pattern.ts';
import { show } from './shape/read-shape.ts';

/** Enough for any desk; keeps the comparison of every store with every other within a second. */
const MAX_PATHS = 500;

export function compileStores(compilation: Compilation): Readonly<Record<string, StoreRule>> {
  const { document, locations, found } = compilation;
  const stores: Record<string, StoreRule> = {};
  let paths = 0;
  for (const [name, written] of Object.entries(document.stores)) {
    const path = ['stores', name];
    paths += written.paths.length;
    for (const [index, pattern] of written.paths.entries()) {
      checkPattern(pattern, [...path, 'paths', index], compilation);
    }
    const label = compileLabel(written.label, [...path, 'label'], compilation);
    const accepts =
      written.accepts === undefined
        ? label
        : compileLabel(
            { ...written.accepts, integrity: written.accepts.integrity ?? label.integrity },
            [...path, 'accepts'],
            compilation,
          );
    stores[name] = { paths: written.paths, label, accepts };
  }
  if (paths > MAX_PATHS) {
    found.error('TOO_MANY', locations.key('stores'), {
      message: `expected at most ${MAX_PATHS} paths over all stores, came \`${paths}\``,
      mend: 'describe folders by pattern instead of listing their files',
    });
  }
  return stores;
}

function checkPattern(
  pattern: string,
  path: readonly (string | number)[],
  { locations, found }: Compilation,
): void {
  const problem = pathPatternProblem(pattern);
  if (problem !== undefined) {
    found.error('WRONG_VALUE', locations.value(...path), {
      message: `expected ${problem}, came \`${show(pattern)}\``,
      mend: 'write a path relative to the workspace, like `tickets/**`',
    });
  } else if (misusesPlaceholder(pattern)) {
    found.error('TENANT_PLACEHOLDER', locations.value(...path), {
      message: `expected braces only in the whole segment \`{tenant}\`, came \`${show(pattern)}\``,
      mend: 'write `{tenant}` between two slashes',
    });
  }
}
