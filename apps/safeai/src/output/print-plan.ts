import { plural, visible } from '@provability-fabric/command-line';
import type { PlanResult, RuleVerdict } from '@provability-fabric/governor';
import type { Shell } from '../shell.ts';

const MOST_PATHS = 3;
const MARKS: Readonly<Record<RuleVerdict, string>> = { passed: '✓', blocked: '✗', 'not-applicable': '-' };

/** Every rule on a line: first those that block, since nobody scrolls for what is fine. */
export async function printPlan(shell: Shell, plan: PlanResult): Promise<void> {
  const order: readonly RuleVerdict[] = ['blocked', 'passed', 'not-applicable'];
  const rules = order.flatMap((verdict) => plan.rules.filter((rule) => rule.verdict === verdict));
  const width = Math.max(0, ...rules.map(({ rule }) => visible(rule).length));
  const lines = rules.map(({ rule, verdict, detail, paths }) => {
    const mood = verdict === 'blocked' ? 'bad' : verdict === 'passed' ? 'good' : 'dim';
    const where = paths.length === 0 || verdict !== 'blocked' ? '' : ` [${pathsOf(paths)}]`;
    const mark = shell.style(MARKS[verdict], mood);
    return `  ${mark} ${visible(rule).padEnd(width)}  ${visible(detail)}${where}\n`;
  });
  const { policy, verdict, reasons } = plan;
  const under = `policy version ${policy.version} (${policy.digest.slice(0, 12)})`;
  if (verdict === 'approved') await shell.good(`Approved by ${under}`);
  else shell.bad(`Blocked by ${under}: ${plural(reasons.length, 'reason')}`);
  await shell.terminal.write(lines.join(''));
}

function pathsOf(paths: readonly string[]): string {
  const shown = paths.slice(0, MOST_PATHS).map(visible).join(', ');
  return paths.length > MOST_PATHS ? `${shown} and ${paths.length - MOST_PATHS} more` : shown;
}
