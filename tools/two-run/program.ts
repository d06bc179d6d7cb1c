import { HELP, readArguments } from './arguments.ts';
import { bundlePool, campaign, load } from './campaign.ts';
import { catchSabotage, furtherPools } from './catch-sabotage.ts';
import { GENUINE } from './run.ts';
import { SABOTAGES } from './sabotage.ts';
import { shrink } from './shrink.ts';
import { tellFound, tellTally } from './tell.ts';

const PAIRS_PER_BUNDLE = 50;
const MOST_BUNDLES = 400;
const EXIT = { ok: 0, broken: 2, wrongArguments: 3 } as const;

interface Voice {
  say(text: string): void;
  complain(text: string): void;
}

/** The theorems on random pairs, and how many pairs each sabotaged monitor survives. Gives the exit code. */
export async function twoRun(typed: readonly string[], { say, complain }: Voice): Promise<number> {
  const read = readArguments(typed);
  if (read === 'help') {
    say(HELP);
    return EXIT.ok;
  }
  if ('problem' in read) {
    complain(`two-run: ${read.problem}`);
    return EXIT.wrongArguments;
  }
  const { pairs, seed } = read;
  const began = Date.now();
  const pool = await bundlePool(Math.min(MOST_BUNDLES, Math.ceil(pairs / PAIRS_PER_BUNDLE)), seed);
  const compiled = Date.now();
  const loaded = pool.map(({ ir }) => load(ir));
  const { tally, found } = campaign(GENUINE, pool, loaded, { pairs, seed });
  say(`node ${process.version}, seed ${seed}, ${pool.length} bundles in ${compiled - began} ms`);
  say(tellTally(tally, Date.now() - compiled));
  if (found !== undefined) {
    const smallest = await shrink(GENUINE, ({ ir }) => load(ir), found);
    say(tellFound(GENUINE, load(smallest.pooled.ir), smallest));
  }

  say('\nsabotaged monitors');
  let missed = 0;
  const further = furtherPools(seed);
  for (const sabotage of SABOTAGES) {
    const caught = await catchSabotage(sabotage, { pool, pairs, seed }, further);
    if (caught === undefined) missed += 1;
    const verdict = caught === undefined ? 'NOT CAUGHT' : `pair ${caught.pairs}: ${caught.law}`;
    say(`| ${sabotage.name.padEnd(58)} | ${verdict.padEnd(20)} |`);
  }
  return found === undefined && missed === 0 ? EXIT.ok : EXIT.broken;
}
