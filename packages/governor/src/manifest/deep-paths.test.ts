import type { JsonValue } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { blocking, GUIDE_POLICY, loadPolicy, planInput } from '../policy/policy.fixture.ts';
import { MANIFEST_LIMITS } from './manifest-limits.ts';
import { parseManifest } from './parse-manifest.ts';

const deep = (names: number, first = 'a') => [first, ...Array(names - 1).fill('b')].join('/');
const creating = (paths: readonly string[]): JsonValue => ({
  targets: [...paths],
  files: paths.map((path) => ({ path, base: null, content: { text: 'x' } })),
  rationale: 'r',
});
const { pathNames, allPathNames, targets } = MANIFEST_LIMITS;

describe('paths through so many folders that looking at them would keep everybody else waiting', () => {
  it('are refused one by one', () => {
    const limit = new RegExp(`at most ${pathNames} names`);
    expect(() => parseManifest(creating([deep(2_000)]))).toThrow(limit);
    expect(() => parseManifest(creating([deep(pathNames + 1)]))).toThrow(limit);
    expect(parseManifest(creating([deep(pathNames)])).targets).toHaveLength(1);
  });

  it('are refused together', () => {
    const many = Array.from({ length: targets }, (_, at) => deep(pathNames, `a${at}`));
    expect(() => parseManifest(creating(many))).toThrow(`at most ${allPathNames} names`);
  });

  it('are planned in moderate time up to there', async () => {
    const policy = await loadPolicy(GUIDE_POLICY);
    const count = Math.floor(allPathNames / pathNames);
    const files = Object.fromEntries(
      Array.from({ length: count }, (_, at) => [deep(pathNames, `a${at}`), 'x']),
    );
    const begun = performance.now();
    expect(blocking(await policy.evaluate(planInput(files), 1))).toContain('allow_paths');
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});
