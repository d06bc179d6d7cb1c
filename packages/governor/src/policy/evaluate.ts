import type { Digest } from '@provability-fabric/kernel';
import type { CedarEvaluator } from '@provability-fabric/policy/cedar';
import { askCedar } from './cedar-requests.ts';
import { fileFacts } from './change-facts.ts';
import { explainClauses } from './clause-rules.ts';
import { contentRules, type SecretScan } from './content-rules.ts';
import { PATH_RULES } from './path-rules.ts';
import type { ExplainedRule, GovernorPolicy, PlanInput, PlanResult } from './plan.ts';
import type { Rule, RuleFinding } from './rule.ts';
import type { PolicySettings } from './settings.ts';
import { explainSettings, SETTINGS_RULES } from './settings-rules.ts';

/** What blocks where Cedar as a whole could not be asked. */
const ENGINE = 'policy_engine';

/** Every rule of the engine's own, none of which a clause may be named like. */
export const RULE_NAMES: readonly string[] = [
  ...PATH_RULES.map(({ name }) => name),
  ...['deny_patterns', 'dangerous_patterns', 'secrets'],
  ...SETTINGS_RULES,
  ...['apply', 'rollback', 'sandbox', ENGINE],
];

export interface LoadedRules {
  readonly digest: Digest;
  readonly settings: PolicySettings;
  readonly evaluator: CedarEvaluator;
  /** Ids of the operator's own clauses. */
  readonly clauses: ReadonlySet<string>;
  readonly secrets: SecretScan;
}

/** All rules run, and any that blocks, or fails, blocks. */
export function evaluation({
  digest,
  settings,
  evaluator,
  clauses,
  secrets,
}: LoadedRules): GovernorPolicy['evaluate'] {
  const rules: readonly Rule[] = [...PATH_RULES, ...contentRules(settings, secrets)];
  const factsOf = fileFacts(settings);
  const own = evaluator.policies.filter(({ id }) => clauses.has(id));
  return async (input, version) => {
    const found = await Promise.all(rules.map((rule) => checked(rule, input)));
    const explained = found.map(({ rule, finding }) => explainedRule(rule, finding));
    const blocking = found.filter(({ finding }) => finding.verdict === 'blocked');
    const settled = inCedar(() => {
      const files = factsOf(input);
      const rulings = askCedar(evaluator, settings, input, files, {
        ofFile: (path) =>
          blocking.filter(({ finding }) => finding.paths?.includes(path)).map(({ rule }) => rule),
        all: blocking.map(({ rule }) => rule),
      });
      // Whatever explains a verdict, Cedar's own decision is what counts.
      const denied = rulings.some(({ isPermitted, forbids }) => !isPermitted || forbids.size > 0);
      const lines = [
        ...explainSettings({ settings, input, files, rulings }),
        ...explainClauses(own, rulings),
      ];
      const isExplained = lines.some(({ verdict }) => verdict === 'blocked');
      return denied && !isExplained ? [...lines, engineRule('nothing permits the change')] : lines;
    });
    return result([...explained, ...settled, sandboxRule(settings, input)], found, { digest, version });
  };
}

async function checked(rule: Rule, input: PlanInput): Promise<{ rule: string; finding: RuleFinding }> {
  try {
    return { rule: rule.name, finding: await rule.check(input) };
  } catch (error) {
    return { rule: rule.name, finding: { verdict: 'blocked', detail: failure(error) } };
  }
}

function inCedar(ask: () => readonly ExplainedRule[]): readonly ExplainedRule[] {
  try {
    return ask();
  } catch (error) {
    return [engineRule(failure(error))];
  }
}

/** The kind of error alone: its message may quote what a file holds. */
function failure(error: unknown): string {
  const kind = error instanceof Error ? error.name : typeof error;
  return `the rule could not be evaluated (\`${kind}\`), and what cannot be evaluated blocks; report it`;
}

function engineRule(detail: string): ExplainedRule {
  return { rule: ENGINE, verdict: 'blocked', detail, paths: [] };
}

function explainedRule(rule: string, { verdict, detail, paths }: RuleFinding): ExplainedRule {
  return { rule, verdict, detail, paths: paths ?? [] };
}

/** Said here, asked by the sandbox itself before anything runs. */
function sandboxRule(
  { sandbox, safe_mode }: PolicySettings,
  { purpose, manifest }: PlanInput,
): ExplainedRule {
  const detail =
    manifest.tests.length === 0
      ? 'no test is to run'
      : `tests run with ${safe_mode ? 'cgroups' : sandbox.tier}, ${sandbox.memoryBytes} bytes of memory, ${sandbox.pids} processes and ${sandbox.timeoutMs} ms`;
  const when = purpose === 'plan' ? 'asked when it is applied' : 'asked before tests run';
  return { rule: 'sandbox', verdict: 'not-applicable', detail: `${when}: ${detail}`, paths: [] };
}

function result(
  rules: readonly ExplainedRule[],
  found: readonly { readonly finding: RuleFinding }[],
  policy: PlanResult['policy'],
): PlanResult {
  const blocked = rules.filter(({ verdict }) => verdict === 'blocked');
  const patterns = found.flatMap(({ finding }) => finding.patterns ?? []);
  return {
    verdict: blocked.length === 0 ? 'approved' : 'blocked',
    reasons: blocked.map(({ rule, detail }) => `${rule}: ${detail}`),
    blocked_paths: [...new Set(blocked.flatMap(({ paths }) => paths))],
    blocked_patterns: [...new Set(patterns)],
    rules,
    policy,
  };
}
