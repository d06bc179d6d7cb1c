import { type CedarValue, flawOf, typeName } from './values.ts';

/**
 * An evaluation error is a result, not an exception: whoever sends the arguments decides how often one
 * happens, and a thrown error costs more than the evaluation. Every operator checks the type of its operands
 * anyway, so an error passes upward as one more value of the wrong type and costs nothing where there is
 * none.
 */
export class EvaluationFailure {
  readonly kind = 'failure';

  /** Names attributes and types, never values: these may be secrets. */
  constructor(readonly message: string) {}
}

export type Outcome = CedarValue | EvaluationFailure;

/** For an operand that is not of the expected type: the failure it already is, or a type error. */
export function mistyped(outcome: Outcome, expected: string): EvaluationFailure {
  const failure = failureOf(outcome);
  if (failure) return failure;
  return new EvaluationFailure(
    `type error: expected \`${expected}\`, got \`${typeName(outcome as CedarValue)}\``,
  );
}

/** For operands of any type: undefined if the value can be used as a whole. */
export function failureOf(outcome: Outcome): EvaluationFailure | undefined {
  if (typeof outcome !== 'object') return undefined;
  if (outcome.kind === 'failure') return outcome;
  const flaw = flawOf(outcome);
  return flaw && new EvaluationFailure(`a value that Cedar cannot represent is used: ${flaw.reason}`);
}
