// The crash matrix: faults at every place of the path of an action, and after each one proof that nothing was lost,
// nothing is double, and no log contradicts what it ever showed.
// Usage: npx tsx tools/crash-matrix/main.ts [--quick] [--only NAME]… [--seed N] [--program PATH]
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { random } from '../crash/random.ts';
import { type Case, newTally, type Tally } from './case.ts';
import { CASES } from './cases/all.ts';
import { messageOf } from './shown-checkpoints.ts';
import { header, row } from './table.ts';
import { lacking } from './tools-of-the-machine.ts';
import { ROOT, Workbench } from './workbench.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    program: { type: 'string', default: join(ROOT, 'apps/fabric/bin/pf.mjs') },
  },
});
const { quick, only, program } = values;
const seed = Number(values.seed);
const known = CASES.map(({ name }) => name);
const unknown = only.find((name) => !known.includes(name));
if (unknown !== undefined || !Number.isSafeInteger(seed)) {
  console.error(`expected --only with one of ${known.join(', ')}, and --seed with a number`);
  process.exit(3);
}

const chosen = CASES.filter(({ name }) => only.length === 0 || only.includes(name));
const bench = new Workbench(program);
const failed: string[] = [];
const skipped: string[] = [];
const rows: string[] = [];
const beganAll = performance.now();
const startsMs: number[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    void bench.close().finally(() => process.exit(130));
  });
try {
  await bench.prepare();
  console.log(`${chosen.length} cases, seed ${seed}`);
  for (const one of chosen) {
    const began = performance.now();
    const { tally, missing } = await attempt(one);
    const seconds = (performance.now() - began) / 1000;
    rows.push(row(one, tally, { skipped: missing, seconds }));
    console.log(rows.at(-1));
    if (missing !== undefined) skipped.push(one.name);
    startsMs.push(...tally.startsMs);
    for (const note of tally.notes) console.log(`  ${note}`);
    for (const problem of someOfEachKind(tally.problems)) console.log(`  ✘ ${problem}`);
    if (tally.problems.length > 0) {
      console.log(`  again: --only ${one.name} --seed ${seed}${quick ? ' --quick' : ''}`);
      failed.push(one.name);
    }
  }
} finally {
  await bench.close();
}
const [median = 0, worst = 0] = [0.5, 1].map((share) => quantile(startsMs, share));
console.log(`${startsMs.length} starts: median ${median.toFixed(0)} ms, slowest ${worst.toFixed(0)} ms`);
console.log(`\n${header()}\n${rows.join('\n')}\n`);
console.log(verdict());
// A case that failed may have left a timer or a socket behind.
process.exit(failed.length > 0 ? 1 : 0);

function verdict(): string {
  const ok = chosen.length - failed.length - skipped.filter((name) => !failed.includes(name)).length;
  const minutes = ((performance.now() - beganAll) / 60_000).toFixed(1);
  const counted = `${ok} of ${chosen.length} cases held, seed ${seed}, ${minutes} min`;
  const left = skipped.length === 0 ? '' : `; not tried here: ${skipped.join(', ')}`;
  if (failed.length > 0) return `crash matrix: FAILED at ${failed.join(', ')}; ${counted}${left}`;
  return `crash matrix: nothing lost, nothing double, nothing contradicted; ${counted}${left}`;
}

async function attempt(one: Case): Promise<{ tally: Tally; missing: string | undefined }> {
  const tally = newTally();
  const missing = lacking(one.needs ?? []);
  if (missing !== undefined) {
    if (process.env.CI === 'true') tally.problems.push(`cannot be tried here: ${missing}`);
    return { tally, missing };
  }
  // Each case has a seed of its own, so that it does the same when it runs alone.
  const own = [...one.name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, seed);
  try {
    await one.run({ bench, quick, random: random(own), tally });
  } catch (error) {
    tally.problems.push(error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
  }
  await bench.sweepUp();
  if (tally.points > 0 && tally.missed === tally.points)
    tally.problems.push('the fault never struck: no call was reached');
  return { tally, missing: undefined };
}

/** One kind of problem must not hide another by its number. */
function* someOfEachKind(problems: readonly string[]): Generator<string> {
  const kinds = new Map<string, string[]>();
  for (const problem of problems) {
    const kind = problem.replace(/[0-9a-f]{64}|\d+/g, '…');
    kinds.set(kind, [...(kinds.get(kind) ?? []), problem]);
  }
  for (const all of kinds.values()) {
    yield* all.slice(0, 4);
    if (all.length > 4) yield `and ${all.length - 4} more of the kind: ${all[0]?.slice(0, 100)}`;
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}
