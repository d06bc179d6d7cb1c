import { join } from 'node:path';
import { type BundleSources, compileBundle, readBundleFolder } from '@provability-fabric/bundle';
import { nodeCrypto } from '@provability-fabric/evidence';

/** The clauses of the base bundle come on top. */
const CLAUSES = 1000;
const ROUNDS = 7;
const MOST_MS = 2000;
const BASE = join(import.meta.dirname, '../step/bundle');

/** Sources to a bundle: four kinds of clauses, a quarter of them each; Cedar's own validation included. */
export async function run(): Promise<boolean> {
  const crypto = nodeCrypto();
  const base = await readBundleFolder(BASE);
  await compileBundle(base, crypto); // loading Cedar is not compiling
  const sources = withClauses(base);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = performance.now();
    const compiled = await compileBundle(sources, crypto);
    times.push(performance.now() - started);
    if (!compiled.ok) throw new Error(`the benchmark's bundle does not compile: ${JSON.stringify(compiled)}`);
    if (compiled.bundle.clauses.length < CLAUSES) throw new Error('expected all clauses in the bundle');
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(ROUNDS / 2)] as number;
  const reached = median <= MOST_MS;
  console.log(`compile: ${CLAUSES} clauses, a quarter each Cedar, trace, limit and declassify`);
  console.log(
    `  n ${ROUNDS}, median ${median.toFixed(0)} ms, ${times[0]?.toFixed(0)} to ${times.at(-1)?.toFixed(0)} ms; ` +
      `at most ${MOST_MS}: ${reached ? 'reached' : 'missed'}`,
  );
  return reached;
}

function withClauses(base: BundleSources): BundleSources {
  const numbers = Array.from({ length: CLAUSES / 4 }, (_, number) => number);
  const clauses = numbers.flatMap((number) => [
    `  - { id: trace-${number}, kind: trace, ${pattern(number)} }`,
    `  - { id: limit-${number}, kind: limit, max: ${number + 1}, window: 1h, on: { tools: [answer], args: { body: { matches: "*${number}*" } } } }`,
    `  - { id: release-${number}, kind: flow, rule: declassify, on: { tools: [pay], args: { amount: { equals: ${number} } } }, parameter: amount, type: amount, from: { level: confidential, integrity: untrusted }, to: { level: public, integrity: untrusted } }`,
  ]);
  const policies = numbers.map(
    (number) =>
      `@id("permit-${number}")\npermit (principal == Agent::"a${number}", action == Action::"call", resource == Tool::"answer")\nwhen { context.args has body && context.args.body like "${number}*" };`,
  );
  const files = new Map(base.files);
  const add = (file: string, lines: readonly string[]) =>
    files.set(file, `${files.get(file)}${lines.join('\n')}\n`);
  add('bundle.yaml', clauses);
  add('policy.cedar', policies);
  return { files };
}

function pattern(number: number): string {
  const pays = `{ tools: [pay], args: { amount: { at_least: ${number} } } }`;
  const patterns = [
    `never: { tools: [pay], args: { customer: { equals: "K-${number}" } } }`,
    `only: ${pays}, after: { tools: [review] }`,
    `after: { tools: [read_ticket], args: { path: { matches: "*/${number}" } } }, never: ${pays}, until: { tools: [review] }`,
    `at_most: ${number + 1}, of: ${pays}`,
    `after: ${pays}, then: { tools: [answer] }, within: ${number + 1}m`,
  ];
  return patterns[number % patterns.length] as string;
}
