import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { loadCedarWasm } from '@provability-fabric/bundle/cedar';
import { type Measurement, microseconds, Stopwatch } from './measure.ts';
import { Random } from './random.ts';
import { allUnscoped, DEPTH, deepHierarchies, distinctScopes, type Question, type Shape } from './shapes.ts';
import { type Answer, casbin, cedarWasm, fabric } from './systems.ts';

const POLICIES = [10, 100, 1000];
const SHAPES = [distinctScopes, allUnscoped, deepHierarchies];
const ROUNDS = 5;
/** Calls of one system per cell are as many as fit, within these bounds. */
const BUDGET_MS = 1200;
const MOST_CALLS = 50_000;
const AGREEMENT = 200;

/** Prints the permit benchmark: our evaluator next to cedar-wasm and casbin, building requests included. */
export async function run(): Promise<void> {
  const cedar = await loadCedarWasm();
  console.log(header(cedar.getCedarSDKVersion()));
  for (const makeShape of SHAPES) {
    for (const count of POLICIES) {
      const shape = makeShape(count);
      const systems = await Promise.all([
        fabric(shape).then((answer) => ({ name: 'fabric', answer })),
        cedarWasm(shape).then((answer) => ({ name: 'cedar-wasm', answer })),
        casbin(shape).then((answer) => ({ name: 'casbin', answer })),
      ]);
      const allowed = agree(shape, systems);
      console.log(
        `\n${shape.name}, ${count} policies (${allowed} of ${AGREEMENT} questions allowed, all agree)`,
      );
      report(measure(shape, systems));
    }
  }
}

interface System {
  readonly name: string;
  readonly answer: Answer;
}

/** A benchmark of systems that decide differently compares nothing. */
function agree(shape: Shape, systems: readonly System[]): number {
  const random = new Random(1);
  let allowed = 0;
  for (let n = 0; n < AGREEMENT; n++) {
    const question = shape.question(random);
    const answers = systems.map(({ answer }) => answer(question));
    if (new Set(answers).size !== 1) {
      throw new Error(`expected one answer to ${JSON.stringify(question)}, got ${answers.join(', ')}`);
    }
    if (answers[0]) allowed++;
  }
  return allowed;
}

/** In rounds, so that a busy moment of the machine meets all systems. */
function measure(shape: Shape, systems: readonly System[]): ReadonlyMap<string, Measurement> {
  const random = new Random(2);
  const questions: readonly Question[] = Array.from({ length: 1024 }, () => shape.question(random));
  const watches = systems.map(() => new Stopwatch());
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { answer }] of systems.entries()) {
      const end = performance.now() + BUDGET_MS / ROUNDS;
      for (let n = 0; n < MOST_CALLS / ROUNDS && performance.now() < end; n++) {
        const question = questions[n % questions.length];
        if (question) watches[index]?.time(() => answer(question));
      }
    }
  }
  return new Map(systems.map(({ name }, index) => [name, (watches[index] ?? new Stopwatch()).result()]));
}

function report(results: ReadonlyMap<string, Measurement>): void {
  const ours = results.get('fabric')?.median ?? Number.NaN;
  console.log(row('', 'median', 'p5–p95', 'p99', 'n', 'fabric is faster by'));
  for (const [name, { n, median, p5, p95, p99 }] of results) {
    const spread = `${microseconds(p5)}–${microseconds(p95)}`;
    const ratio = name === 'fabric' ? '' : `${(median / ours).toFixed(median / ours < 10 ? 1 : 0)}×`;
    console.log(row(name, `${microseconds(median)} µs`, spread, microseconds(p99), String(n), ratio));
  }
}

function row(...cells: readonly string[]): string {
  const widths = [12, 12, 16, 10, 8, 20];
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(12) : cell.padStart(widths[index] ?? 10)))
    .join('');
}

function header(cedarVersion: string): string {
  const [cpu] = cpus();
  return [
    `permit: one decision, request building included · ${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores`,
    `Node ${process.version} · cedar-wasm ${cedarVersion} (stateful API) · casbin ${casbinVersion()} (enforceSync)`,
    `times in µs, each call timed on its own, in ${ROUNDS} rounds that alternate the systems, seed fixed`,
    `hierarchies are ${DEPTH} levels deep; cedar-wasm gets with each request only the entities that it needs`,
    'casbin: one rule per policy with the same scope and condition, hierarchies as role links, deny overrides',
  ].join('\n');
}

function casbinVersion(): string {
  const manifest = createRequire(import.meta.url).resolve('casbin/package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
