import { bundlePool, campaign, type PooledBundle } from './campaign.ts';
import type { Law } from './judge-pair.ts';
import type { Sabotage } from './sabotage.ts';

// A sabotage that is rarely seen may be missed by few pairs, which says something about the pairs and nothing about the
// check. So more are drawn, from other bundles too, as far as a bound.

const ROUNDS = 10;
const BUNDLES_A_ROUND = 200;
const PAIRS_A_ROUND = 10_000;

export const MOST_FURTHER_PAIRS = ROUNDS * PAIRS_A_ROUND;

export interface Caught {
  /** How many pairs it took. */
  readonly pairs: number;
  readonly law: Law;
}

export interface Drawn {
  readonly pool: readonly PooledBundle[];
  readonly pairs: number;
  readonly seed: string;
}

/** Further pools of a seed, each compiled once for all that ask for it. */
export function furtherPools(seed: string): (round: number) => Promise<Drawn> {
  const made = new Map<number, Promise<Drawn>>();
  return (round) => {
    const known = made.get(round) ?? draw(`${seed}/further ${round}`);
    made.set(round, known);
    return known;
  };
}

async function draw(seed: string): Promise<Drawn> {
  return { pool: await bundlePool(BUNDLES_A_ROUND, seed), pairs: PAIRS_A_ROUND, seed };
}

/** The first pair that shows a sabotage, among those given or else among further ones. */
export async function catchSabotage(
  sabotage: Sabotage,
  given: Drawn,
  further: (round: number) => Promise<Drawn>,
): Promise<Caught | undefined> {
  let before = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    const { pool, pairs, seed } = round === 0 ? given : await further(round);
    const { found } = campaign(sabotage.monitor, pool, pool.map(sabotage.bundle), { pairs, seed });
    if (found !== undefined) return { pairs: before + found.index + 1, law: found.violation.law };
    before += pairs;
  }
  return undefined;
}
