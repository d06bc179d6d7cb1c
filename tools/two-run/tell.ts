import { formatLabel } from '@provability-fabric/kernel';
import type { LoadedBundle } from '@provability-fabric/policy';
import type { Found, Tally } from './campaign.ts';
import { bundleYaml, policyCedar } from './compile-spec.ts';
import { judgePair } from './judge-pair.ts';
import { answerToAgent, type Monitor, type Run } from './run.ts';

/** A failure for people: the bundle, the observer, and both runs side by side. */
export function tellFound(monitor: Monitor, bundle: LoadedBundle, { index, pair, violation }: Found): string {
  const { left, right } = judgePair(monitor, bundle, pair);
  return [
    `pair ${index + 1} breaks the law \`${violation.law}\`: ${violation.about}`,
    `observer: ${formatLabel(pair.level)}`,
    bundleYaml(pair.spec),
    policyCedar(pair.spec),
    'left:',
    ...linesOf(left),
    'right:',
    ...linesOf(right),
  ].join('\n');
}

function linesOf({ happenings }: Run): readonly string[] {
  return happenings.map(({ asked, decision, knew, answer }) => {
    const said = `${asked.target} ${JSON.stringify(asked.args)} -> ${JSON.stringify(answerToAgent(decision))}`;
    const came = answer === null ? '' : ` ${answer.outcome} ${JSON.stringify(answer.result)}`;
    return `  knowing ${formatLabel(knew)}: ${said}${came}`;
  });
}

export function tellTally(tally: Tally, ms: number): string {
  const rows: readonly (readonly [string, number])[] = [
    ['pairs', tally.pairs],
    ['actions', tally.actions],
    ['emits', tally.emits],
    ['refusals', tally.refusals],
    ['emits released by clause', tally.released],
    ['arguments endorsed by clause', tally.endorsed],
    ['actions sent on with values for handles', tally.resolved],
    ['askings for something out of a handle', tally.extractions],
    ['pairs whose runs observed different data', tally.differed],
    ['of these: the agent acted differently', tally.branched],
    ["of these: it was refused a sink in the observer's sight", tally.stopped],
    ['broken laws', tally.broken],
    ['milliseconds', ms],
  ];
  return rows.map(([what, count]) => `| ${what.padEnd(56)} | ${String(count).padStart(9)} |`).join('\n');
}
