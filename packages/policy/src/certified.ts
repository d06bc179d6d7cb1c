import type { CertifiedReason, CheckResult, Effect, Mode, Verdict } from '@provability-fabric/statements';
import type { Decision } from './output.ts';

/** The part of a decision that a certificate carries: no witness, since witnesses hold values. */
export interface CertifiedDecision {
  readonly verdict: Verdict;
  readonly effect: Effect;
  readonly mode: Mode | 'disabled';
  readonly checks: readonly CheckResult[];
  readonly reasons: readonly CertifiedReason[];
}

/** One mapping for the writer of certificates and for the verifier that re-derives them. */
export function certified(decision: Decision): CertifiedDecision {
  const { verdict, effect, mode, checks } = decision;
  const reasons = decision.reasons.map(({ check, code, clause, mode: inForce, severity }) => ({
    check,
    code,
    clause,
    mode: inForce,
    severity,
  }));
  return { verdict, effect, mode, checks, reasons };
}
