import { beforeAll, describe, expect, it } from 'vitest';
import { bundlePool, campaign, load, type PooledBundle } from './campaign.ts';
import { catchSabotage } from './catch-sabotage.ts';
import { twoRun } from './program.ts';
import { GENUINE } from './run.ts';
import { SABOTAGES, type Sabotage } from './sabotage.ts';
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
    expect(tellFound(monitor, bundle(smallest.pooled), smallest)).toContain('the law `views`');
  });
});

describe('a sabotage that few pairs miss', () => {
  const late = SABOTAGES.find(({ name }) => name === 'the label rises one action late') as Sabotage;

  it('is caught by further ones, and the count goes on', async () => {
    const alone = await catchSabotage(late, { pool, pairs: SHOWN_WITHIN, seed: SEED }, neverAsked);
    const first = alone?.pairs ?? 0;
    expect(first).toBeGreaterThan(1);
    const few = { pool, pairs: first - 1, seed: SEED };
    const caught = await catchSabotage(late, few, async () => ({ pool, pairs: first, seed: SEED }));
    expect(caught).toEqual({ pairs: 2 * first - 1, law: 'views' });
  });

  it('is told as missed where the bound is reached, which ends', async () => {
    const harmless = { ...late, monitor: GENUINE };
    const asked: number[] = [];
    const further = async (round: number) => {
      asked.push(round);
      return { pool, pairs: 3, seed: SEED };
    };
    expect(await catchSabotage(harmless, { pool, pairs: 1, seed: SEED }, further)).toBeUndefined();
    expect(asked).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  function neverAsked(): never {
    throw new Error('expected to be caught by the pairs given');
  }
});

describe('npm run two-run', () => {
  async function ran(...typed: readonly string[]) {
    const said: string[] = [];
    const complained: string[] = [];
    const voice = {
      say: (text: string) => said.push(text),
      complain: (text: string) => complained.push(text),
    };
    return { code: await twoRun(typed, voice), out: said.join('\n'), err: complained.join('\n') };
  }

  it.each([
    [['--pairs', 'abc'], 'a whole number of pairs from 1 on, came `abc`'],
    [['--pairs', '0'], 'a whole number of pairs from 1 on, came `0`'],
    [['--pairs', '1e3'], 'a whole number of pairs from 1 on, came `1e3`'],
    [['--pairs'], "--pairs N, --seed TEXT or --help: Option '--pairs <value>' argument missing"],
    [['--sead', '1'], "--pairs N, --seed TEXT or --help: Unknown option '--sead'"],
    [['1'], "--pairs N, --seed TEXT or --help: Unexpected argument '1'"],
  ])('says in one line what is wrong with %j', async (typed, problem) => {
    const { code, out, err } = await ran(...typed);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err.split('\n')).toHaveLength(1);
    expect(err).toContain(`two-run: expected ${problem}`);
  });

  it('tells its options and exit codes', async () => {
    const { code, out } = await ran('--help');
    expect(code).toBe(0);
    for (const word of ['--pairs N', '--seed TEXT', 'Exits with 0', '2 where', '3 where'])
      expect(out).toContain(word);
  });

  it('prints how many laws were broken, and of each sabotage by which law it was caught', async () => {
    const { code, out } = await ran('--pairs', '2000', '--seed', '7');
    expect(out).toMatch(/^\| broken laws +\| +0 \|$/m);
    const caught = [...out.matchAll(/^\| (.*?) +\| pair \d+: (?:views|values|refusals) +\|$/gm)];
    expect(caught.map(([, name]) => name)).toEqual(SABOTAGES.map(({ name }) => name));
    expect(code).toBe(0);
  }, 60_000);
});
