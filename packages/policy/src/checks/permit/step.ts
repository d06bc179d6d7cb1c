import type { Clause } from '../../compiled-bundle.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Check, Finding } from '../check.ts';
import { againstClause } from '../findings.ts';
import { cedarRequest } from './request.ts';

/** May: the Cedar policies. Default deny, forbid beats permit, and an applicable forbid that cannot be evaluated rejects. */
export const permit = {
  init: () => null,
  describe: () => null,
  onIntent(bundle, facts, state, event) {
    const findings: Finding[] = [];
    const result = bundle.cedar.evaluate(cedarRequest(bundle.entities, facts, event));
    for (const { policy, message } of result.errors) {
      // Cedar itself skips an erroring forbid; that would fail open (CONTRACTS §3).
      if (bundle.cedar.effectOf(policy) === 'forbid') {
        findings.push(againstClause(clauseOf(bundle, policy), 'EVAL_ERROR', { problem: message }, 'error'));
      }
    }
    for (const policy of result.forbids)
      findings.push(againstClause(clauseOf(bundle, policy), 'FORBIDDEN', { policy }));
    const granting = result.permits.filter((policy) => grants(clauseOf(bundle, policy), event.time));
    if (granting.length === 0 || event.effect === undefined) {
      findings.push({
        code: 'NOT_PERMITTED',
        verdict: 'reject',
        weakened: { by: 'default_mode' },
        witness: {
          target: event.intent.action.target,
          declared: event.effect !== undefined,
          permits_without_force: result.permits.filter((policy) => !granting.includes(policy)),
          permits_in_error: result.errors
            .map(({ policy }) => policy)
            .filter((id) => bundle.cedar.effectOf(id) === 'permit'),
        },
      });
    }
    return { findings, next: state };
  },
} satisfies Check<null>;

/** A permit in shadow or monitor grants nothing, and an expired one no longer permits: neither ever opens a door. */
export function grants(clause: Clause, time: number): boolean {
  return clause.mode === 'enforce' && (clause.expires === null || time <= clause.expires);
}

export function clauseOf(bundle: LoadedBundle, id: string): Clause {
  const clause = bundle.clauses.get(id);
  if (clause === undefined)
    throw new Error(`expected a clause for the policy \`${id}\`: the bundle is inconsistent`);
  return clause;
}
