import type { GovernorStatus, PlanResult, ProposalAnswer } from '@provability-fabric/governor';
import { z } from 'zod';

const VERDICT = z.enum(['approved', 'blocked']).describe('what the policy says');
const REASONS = z.array(z.string()).describe('one line per rule that blocks, with how to mend it');
const POLICY = z.object({ digest: z.string(), version: z.number() });

export const PROPOSAL_OUTPUT = z.object({
  hash: z.string().describe('names the proposal: ask for it with check_change'),
  status: z
    .enum(['open', 'applied', 'refused', 'expired'])
    .describe('open: nobody has decided; the others are final'),
  verdict: VERDICT,
  reasons: REASONS,
  outcome: z.string().nullable().describe('what became of it; null while it is open'),
  next: z.string().describe('what has to happen next, and who does it'),
});

/** Of a proposal, or of a change that is not proposed. */
export const CHECK_OUTPUT = z.object({
  proposal: PROPOSAL_OUTPUT.nullable().describe('where a hash was given'),
  plan: z
    .object({
      verdict: VERDICT,
      reasons: REASONS,
      blocked_paths: z.array(z.string()),
      blocked_patterns: z.array(z.string()),
      rules: z.array(
        z.object({
          rule: z.string(),
          verdict: z.enum(['passed', 'blocked', 'not-applicable']),
          detail: z.string(),
          paths: z.array(z.string()),
        }),
      ),
      policy: POLICY,
    })
    .nullable()
    .describe('where a manifest was given: what every rule says'),
});

export const STATUS_OUTPUT = z.object({
  can_apply: z.boolean().describe('whether approved changes can land now'),
  problems: z.array(z.string()).describe('why not'),
  tree: z.object({ digest: z.string(), files: z.number() }),
  policy: POLICY.extend({
    tier: z
      .enum(['alpha', 'beta', 'stable'])
      .describe(
        'alpha: plans only; beta: a person has to sign; stable: the policy and its signatures decide',
      ),
    safe_mode: z.boolean(),
  }).nullable(),
  kill_switch: z.object({ active: z.boolean(), reason: z.string().nullable() }),
  sandbox: z.object({ tier: z.string(), engine: z.string(), demanded: z.string().nullable() }),
  limits: z
    .object({
      content_bytes: z.number().describe('of one edit, diff or file'),
      all_content_bytes: z.number(),
      targets: z.number(),
      tests: z.number(),
    })
    .describe('of one change'),
});

// Member by member: what a use case answers beside these is not for agents.

export function proposalOutput(answer: ProposalAnswer): z.infer<typeof PROPOSAL_OUTPUT> {
  const { hash, status, verdict, reasons, outcome, next } = answer;
  return { hash, status, verdict, reasons: [...reasons], outcome, next };
}

export function planOutput(plan: PlanResult): NonNullable<z.infer<typeof CHECK_OUTPUT>['plan']> {
  const { verdict, reasons, blocked_paths, blocked_patterns, rules, policy } = plan;
  return {
    verdict,
    reasons: [...reasons],
    blocked_paths: [...blocked_paths],
    blocked_patterns: [...blocked_patterns],
    rules: rules.map(({ rule, verdict, detail, paths }) => ({ rule, verdict, detail, paths: [...paths] })),
    policy: { digest: policy.digest, version: policy.version },
  };
}

export function statusOutput(
  status: GovernorStatus,
  limits: z.infer<typeof STATUS_OUTPUT>['limits'],
): z.infer<typeof STATUS_OUTPUT> {
  const { can_apply, problems, tree, policy, kill_switch, sandbox } = status;
  return {
    can_apply,
    problems: [...problems],
    tree: { digest: tree.digest, files: tree.files },
    policy: policy && {
      digest: policy.digest,
      version: policy.version,
      tier: policy.tier,
      safe_mode: policy.safe_mode,
    },
    kill_switch: { active: kill_switch.active, reason: kill_switch.reason },
    sandbox: { tier: sandbox.tier, engine: sandbox.engine, demanded: sandbox.demanded },
    limits,
  };
}
