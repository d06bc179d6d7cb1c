import { CedarError } from './errors.ts';
import { compileExpression } from './expression.ts';
import { type EvaluationFailure, mistyped } from './failure.ts';
import type { CedarCondition, CedarEffect, CedarPolicy } from './ir.ts';
import { type ScopeTest, scopeTest } from './scope.ts';
import { AXES, type Evaluate, type Situation } from './situation.ts';

/** One policy ready to run. */
export interface LoadedPolicy {
  readonly id: string;
  readonly effect: CedarEffect;
  /** The lines of the scope that restrict. */
  readonly scope: readonly ScopeTest[];
  /** It applies wherever its scope matches. */
  readonly unconditional: boolean;
  /** All conditions, the scope left aside. */
  holds(situation: Situation): boolean | EvaluationFailure;
}

export function loadPolicy(policy: CedarPolicy): LoadedPolicy {
  if (policy.effect !== 'permit' && policy.effect !== 'forbid') {
    throw new CedarError('CEDAR_IR', `expected \`permit\` or \`forbid\`, got \`${policy.effect}\``);
  }
  const scope = AXES.map((axis) => scopeTest(axis, policy[axis])).filter((test) => test !== undefined);
  const conditions = policy.conditions.map(loadCondition);
  return {
    id: policy.id,
    effect: policy.effect,
    scope,
    unconditional: conditions.every(({ evaluate, wanted }) => evaluate.constant === wanted),
    holds: allHold(conditions),
  };
}

interface Condition {
  readonly evaluate: Evaluate;
  readonly wanted: boolean;
}

function loadCondition({ kind, body }: CedarCondition): Condition {
  if (kind !== 'when' && kind !== 'unless') {
    throw new CedarError('CEDAR_IR', `expected \`when\` or \`unless\`, got \`${kind}\``);
  }
  return { evaluate: compileExpression(body), wanted: kind === 'when' };
}

function allHold(conditions: readonly Condition[]): LoadedPolicy['holds'] {
  return (situation) => {
    for (const { evaluate, wanted } of conditions) {
      const value = evaluate(situation);
      if (value === !wanted) return false;
      if (value !== wanted) return mistyped(value, 'bool');
    }
    return true;
  };
}
