import { basename } from 'node:path';
import { readTestCases, type TestCase } from '@provability-fabric/bundle';
import { CommandError } from '@provability-fabric/command-line';
import { nearest } from '@provability-fabric/configuration';
import { nodeCrypto } from '@provability-fabric/evidence';
import { type LoadedBundle, loadBundle, type ReplayedEvent, replayTrace } from '@provability-fabric/policy';
import { requireCompiled } from '../bundles/compile-folder.ts';
import { formatFindings } from '../bundles/findings.ts';
import type { Shell } from '../shell.ts';

/** How one case went. */
export interface CaseResult {
  readonly bundle: string;
  readonly suite: string;
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly event: number;
  readonly target: string;
  readonly line: number;
  readonly expected: string;
  readonly came: string;
}

/** Runs the cases of the bundles. A suite that no bundle has is invalid input: it would pass by testing nothing. */
export async function runSuites(
  shell: Shell,
  folders: readonly string[],
  suites: readonly string[],
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  const known = new Set<string>();
  for (const folder of folders) {
    const { sources, compiled } = await requireCompiled(shell, folder);
    const read = readTestCases(sources);
    if (!read.ok)
      throw new CommandError('INPUT_INVALID', formatFindings(folder, sources, read.errors, 'error'));
    const bundle = loadBundle(compiled.bundle, nodeCrypto());
    for (const test of read.cases) {
      const suite = basename(test.file, '.yaml');
      known.add(suite);
      if (suites.length > 0 && !suites.includes(suite)) continue;
      const { name, file, line } = test;
      results.push({ bundle: folder, suite, name, file, line, failures: failuresOf(bundle, test) });
    }
  }
  const missing = suites.find((suite) => !known.has(suite));
  if (missing !== undefined) throw new CommandError('INPUT_INVALID', noSuite(missing, known));
  if (results.length > 0) return results;
  throw new CommandError(
    'INPUT_INVALID',
    `expected cases in tests/*.yaml of ${folders.join(', ')}, came none`,
  );
}

function noSuite(name: string, known: ReadonlySet<string>): string {
  const meant = nearest(name, known);
  const mend =
    meant === undefined ? `there are ${[...known].join(', ') || 'none'}` : `did you mean \`${meant}\`?`;
  return `expected a suite \`tests/${name}.yaml\`, came none; ${mend}`;
}

function failuresOf(bundle: LoadedBundle, { trace, mode, expected }: TestCase): readonly Failure[] {
  const environment = { enforcement_mode: mode, default_mode: null, overlay: null };
  return [...replayTrace(bundle, trace, environment)].flatMap((event, index) => {
    const demand = expected[index];
    if (demand === undefined || isMet(demand, event)) return [];
    const { line } = demand;
    return [
      { event: index, target: event.target, line, expected: describe(demand), came: describeEvent(event) },
    ];
  });
}

type Demand = TestCase['expected'][number];

function isMet({ effect, code, clause }: Demand, event: ReplayedEvent): boolean {
  if (event.effect !== effect) return false;
  if (code === null && clause === null) return true;
  return event.reasons.some(
    (reason) => (code === null || reason.code === code) && (clause === null || reason.clause === clause),
  );
}

function describe({ effect, code, clause }: Demand): string {
  return [effect, ...(code === null ? [] : [code]), ...(clause === null ? [] : [`by ${clause}`])].join(' ');
}

function describeEvent({ effect, reasons }: ReplayedEvent): string {
  const said = reasons.map(({ code, clause }) => (clause === null ? code : `${code} by ${clause}`));
  return said.length === 0 ? effect : `${effect}: ${said.join(', ')}`;
}
