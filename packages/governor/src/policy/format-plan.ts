import type { PlanResult, RuleVerdict } from './plan.ts';

const SIGNS: Readonly<Record<RuleVerdict, string>> = { passed: '✓', blocked: '✗', 'not-applicable': '-' };

/** A plan for people: the verdict, then one line per rule, what blocks first. */
export function formatPlan({ verdict, rules, policy }: PlanResult): string {
  const order: readonly RuleVerdict[] = ['blocked', 'passed', 'not-applicable'];
  const lines = order.flatMap((wanted) => rules.filter((rule) => rule.verdict === wanted));
  const width = Math.max(...rules.map(({ rule }) => rule.length), 0);
  return [
    `${verdict === 'approved' ? '✓' : '✗'} ${verdict} by policy version ${policy.version} (${policy.digest.slice(0, 16)})`,
    ...lines.map((rule) => `  ${SIGNS[rule.verdict]} ${rule.rule.padEnd(width)}  ${rule.detail}`),
    '',
  ].join('\n');
}
