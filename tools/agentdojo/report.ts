import { type Run, readSuites, type Suite } from './corpus.ts';
import { type Judge, type Measure, measure, percent, together } from './measure.ts';
import { judgeOf } from './policies.ts';
import { renamed } from './rename.ts';
import { applyReview } from './review.ts';
import { simplePolicies } from './simple-policies.ts';
import { BUNDLE, draftOf, type Files, reviewOf, withReview } from './suites-bundles.ts';
import { toolFacts } from './tool-facts.ts';
import { VARIANTS } from './variants.ts';

interface Row {
  readonly name: string;
  readonly bySuite: readonly Measure[];
}

/**
 * The figures of docs/reference/agentdojo.md, as Markdown; the same corpus and sources give the same text.
 */
export async function report(folder: string): Promise<string> {
  const suites = readSuites(folder);
  const drafts = suites.map(draftOf);
  const reviewed = drafts.map((draft, at) => withReview(draft, reviewOf((suites[at] as Suite).name)));
  const crossed = drafts.map((draft, at) => {
    const others = suites.filter((_, other) => other !== at);
    return withReview(
      draft,
      others.flatMap(({ name }) => reviewOf(name)),
    );
  });
  const draftRow = await row('draft alone', suites, drafts);
  const bundleRow = await row('draft and reviewed lines', suites, reviewed);
  const crossedRow = await row("draft and the other suite's lines", suites, crossed);
  const simple = simpleRows(suites, drafts);
  const frontier: Row[] = [];
  for (const { name, of } of VARIANTS) frontier.push(await row(name, suites, reviewed.map(of)));
  return [
    '### Reviewed lines',
    '',
    ...reviewTable(suites, drafts),
    '',
    ...suites.flatMap(({ name }, at) => [
      `### ${name}`,
      '',
      ...table(
        [draftRow, bundleRow, crossedRow, ...simple].map((one) => [one.name, one.bySuite[at] as Measure]),
      ),
      '',
    ]),
    '### All suites together, and the frontier',
    '',
    ...table(
      [draftRow, bundleRow, crossedRow, ...frontier, ...simple].map(
        ({ name, bySuite }) => [name, together(bySuite)] as const,
      ),
    ),
    '',
    '### What the reviewed bundles miss and touch',
    '',
    ...suites.flatMap(({ name }, at) => leftTable(name, bundleRow.bySuite[at] as Measure)),
    '',
    '### Renaming',
    '',
    await renaming(suites, reviewed),
    '',
  ].join('\n');
}

async function row(name: string, suites: readonly Suite[], bundles: readonly Files[]): Promise<Row> {
  const bySuite: Measure[] = [];
  for (const [at, suite] of suites.entries()) {
    bySuite.push(measure(suite, await judgeOf(bundles[at] as Files)));
  }
  return { name, bySuite };
}

function simpleRows(suites: readonly Suite[], drafts: readonly Files[]): readonly Row[] {
  const bySuite = suites.map((suite, at) =>
    simplePolicies(suite, toolFacts(drafts[at]?.get(BUNDLE) ?? '')).map(({ name, judge }) => ({
      name: `simple: ${name}`,
      measured: measure(suite, judge),
    })),
  );
  return (bySuite[0] ?? []).map(({ name }, policy) => ({
    name,
    bySuite: bySuite.map((policies) => (policies[policy] as { readonly measured: Measure }).measured),
  }));
}

function table(rows: readonly (readonly [string, Measure])[]): readonly string[] {
  return [
    '| policy | attacks blocked | benign runs untouched | ground-truth tasks untouched |',
    '|---|---|---|---|',
    ...rows.map(
      ([name, { attacks, benign, tasks }]) =>
        `| ${name} | ${percent(attacks)} (${attacks.hits} / ${attacks.of}) | ${percent(benign)} (${benign.hits} / ` +
        `${benign.of}) | ${tasks.hits} / ${tasks.of} |`,
    ),
  ];
}

function reviewTable(suites: readonly Suite[], drafts: readonly Files[]): readonly string[] {
  return [
    '| suite | decisions written | lines of `bundle.yaml` that differ from the draft |',
    '|---|---|---|',
    ...suites.map(({ name }, at) => {
      const review = reviewOf(name);
      const { changed } = applyReview(drafts[at]?.get(BUNDLE) ?? '', review);
      return `| ${name} | ${review.length} | ${changed} |`;
    }),
  ];
}

/** By the corpus's own task ids: what the runs say stays in the corpus. */
function leftTable(suite: string, { missed, touched }: Measure): readonly string[] {
  const counts = (runs: readonly Run[], key: (run: Run) => string) => {
    const by = new Map<string, number>();
    for (const run of runs) by.set(key(run), (by.get(key(run)) ?? 0) + 1);
    const listed = [...by].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
    return listed.length === 0 ? 'none' : listed.map(([name, count]) => `${name} (${count})`).join(', ');
  };
  const kind = (wanted: Run['kind']) => touched.filter((run) => run.kind === wanted);
  return [
    `- ${suite}, attacks not blocked: ${counts(missed, ({ userTask, injectionTask }) => `${injectionTask} in ${userTask}`)}`,
    `- ${suite}, benign runs touched: ${counts(kind('benign'), ({ userTask }) => userTask)}`,
    `- ${suite}, ground-truth tasks touched: ${
      kind('task')
        .map(({ userTask }) => userTask)
        .join(', ') || 'none'
    }`,
  ];
}

/** A policy about sources and sinks must refuse the very same calls once every name and value is another. */
async function renaming(suites: readonly Suite[], bundles: readonly Files[]): Promise<string> {
  let runs = 0;
  let differ = 0;
  for (const [at, suite] of suites.entries()) {
    const judge = await judgeOf(bundles[at] as Files);
    const other = renamed(suite);
    for (const kind of ['attacks', 'benign', 'tasks'] as const) {
      for (const [index, run] of suite[kind].entries()) {
        runs += 1;
        if (!same(judge, run, other[kind][index] as Run)) differ += 1;
      }
    }
  }
  return `Of ${runs} runs and tasks with every name and value exchanged, ${differ} got another answer to any call.`;
}

function same(judge: Judge, run: Run, other: Run): boolean {
  return judge(run).join() === judge(other).join();
}
