import { parseArgs } from 'node:util';
import { bundlePool, campaign, load } from './campaign.ts';
import { GENUINE } from './run.ts';
import { SABOTAGES } from './sabotage.ts';
import { shrink } from './shrink.ts';
import { tellFound, tellTally } from './tell.ts';

// npx tsx tools/two-run/main.ts [--pairs N] [--seed TEXT]: the theorem of docs/theory.md on random pairs, and how many
// pairs each sabotaged monitor survives.

const PAIRS_PER_BUNDLE = 50;
const MOST_BUNDLES = 400;

const { values } = parseArgs({
  options: { pairs: { type: 'string', default: '20000' }, seed: { type: 'string', default: '1' } },
});
const pairs = Number(values.pairs);
if (!Number.isSafeInteger(pairs) || pairs < 1)
  throw new Error(`expected a whole number of pairs from 1 on, came \`${values.pairs}\``);

const began = Date.now();
const pool = await bundlePool(Math.min(MOST_BUNDLES, Math.ceil(pairs / PAIRS_PER_BUNDLE)), values.seed);
const compiled = Date.now();
const loaded = pool.map(({ ir }) => load(ir));
const { tally, found } = campaign(GENUINE, pool, loaded, { pairs, seed: values.seed });
console.log(`node ${process.version}, seed ${values.seed}, ${pool.length} bundles in ${compiled - began} ms`);
console.log(tellTally(tally, Date.now() - compiled));

if (found !== undefined) {
  process.exitCode = 2;
  const smallest = await shrink(GENUINE, ({ ir }) => load(ir), found);
  console.log(tellFound(GENUINE, load(smallest.pooled.ir), smallest));
}

console.log('\nsabotaged monitors');
for (const { name, monitor, bundle } of SABOTAGES) {
  const caught = campaign(monitor, pool, pool.map(bundle), { pairs, seed: values.seed }).found;
  if (caught === undefined) process.exitCode = 2;
  const verdict = caught === undefined ? 'NOT CAUGHT' : `pair ${caught.index + 1}: ${caught.violation.law}`;
  console.log(`| ${name.padEnd(56)} | ${verdict} |`);
}
