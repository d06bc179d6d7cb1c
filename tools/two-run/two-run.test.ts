import { beforeAll, describe, expect, it } from 'vitest';
import { bundlePool, campaign, load, type PooledBundle } from './campaign.ts';
import { GENUINE } from './run.ts';
import { SABOTAGES } from './sabotage.ts';
import { shrink } from './shrink.ts';
import { tellFound } from './tell.ts';

// The theorem of docs/theory.md on a thousand pairs; tools/two-run/main.ts runs more of them.

// One with which each sabotage shows soon; with others the rarest may need some thousands of pairs.
const SEED = 'f';
const PAIRS = 1_000;
/** Within so many pairs each sabotage must show. */
const SHOWN_WITHIN = 2_000;

let pool: readonly PooledBundle[];
beforeAll(async () => {
  pool = await bundlePool(100, SEED);
});

describe('two runs that differ in what an observer may not know', () => {
  it('show it the same, but for listed releases; values come from where they may; refusals move nothing', async () => {
    const loaded = pool.map(({ ir }) => load(ir));
    const { tally, found } = campaign(GENUINE, pool, loaded, { pairs: PAIRS, seed: SEED });
    if (found !== undefined) {
      const smallest = await shrink(GENUINE, ({ ir }) => load(ir), found);
      expect.fail(tellFound(GENUINE, load(smallest.pooled.ir), smallest));
    }
    // Without these the pairs would say nothing.
    expect(tally.branched).toBeGreaterThan(PAIRS / 4);
    expect(tally.stopped).toBeGreaterThan(PAIRS / 8);
    expect(tally.released).toBeGreaterThan(PAIRS / 100);
    expect(tally.endorsed).toBeGreaterThan(PAIRS / 100);
    expect(tally.resolved).toBeGreaterThan(PAIRS / 100);
    expect(tally.extractions).toBeGreaterThan(PAIRS / 100);
  });
});

describe('a sabotaged monitor is caught', () => {
  it.each(SABOTAGES)('where $name', ({ monitor, bundle }) => {
    const { found } = campaign(monitor, pool, pool.map(bundle), { pairs: SHOWN_WITHIN, seed: SEED });
    expect(found).toBeDefined();
  });

  it('and told of in a bundle and a trace that are small', async () => {
    const late = SABOTAGES.find(({ name }) => name === 'the label rises one action late');
    if (late === undefined) throw new Error('expected the sabotage by its name');
    const { monitor, bundle } = late;
    const { found } = campaign(monitor, pool, pool.map(bundle), { pairs: SHOWN_WITHIN, seed: SEED });
    if (found === undefined) throw new Error('expected a pair that shows it');
    const smallest = await shrink(monitor, bundle, found);
    expect(smallest.pair.moves.length).toBeLessThanOrEqual(2);
    expect(smallest.pair.spec.tools.length).toBeLessThanOrEqual(2);
    expect(tellFound(monitor, bundle(smallest.pooled), smallest)).toContain('the law `low views are equal`');
  });
});
