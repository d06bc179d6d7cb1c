import { asClauseId, IdError, type JsonValue } from '@provability-fabric/kernel';
import type { CedarPolicy } from '@provability-fabric/policy/cedar';
import type { CedarWasm } from './cedar-wasm.ts';
import { ExactIntegers } from './exact-integers.ts';
import { LoweringError } from './lower-expression.ts';
import { lowerPolicy } from './lower-policy.ts';
import { type CedarProblem, problemAt } from './problem.ts';
import type { SourceText } from './source-text.ts';
import { type PolicySource, writtenId } from './tokens.ts';

export type ReadPolicy =
  | { readonly ok: true; readonly policy: CedarPolicy }
  | { readonly ok: false; readonly problem: CedarProblem };

/** One policy of a file that cedar-wasm parses. */
export function readPolicy(
  cedar: CedarWasm,
  source: SourceText,
  written: PolicySource,
  number: number,
  requireIds: boolean,
): ReadPolicy {
  const refuse = (message: string, mend: string, index = written.start): ReadPolicy => {
    const clause = writtenId(written) ?? `policy${number}`;
    return { ok: false, problem: problemAt(source, index, { clause, message, mend }) };
  };
  const slot = written.tokens.find(({ text }) => text === '?');
  if (slot) {
    const mend = 'write the entity in its place: a bundle links no templates';
    return refuse('expected a policy without slots, got a template', mend, slot.start);
  }
  const integers = new ExactIntegers(written);
  const answer = cedar.policyToJson(integers.text);
  if (answer.type === 'failure') {
    throw new Error(`cedar-wasm does not read again what it has parsed: ${answer.errors[0]?.message}`);
  }
  try {
    const lowered = lowerPolicy(answer.json as unknown as JsonValue, integers);
    if (!integers.complete) {
      return refuse('expected every large integer to be found again', 'write it as a sum of smaller ones');
    }
    const id = lowered.annotations.find(({ name }) => name === 'id')?.value;
    const problem = requireIds ? idProblem(id) : undefined;
    if (problem) return refuse(problem, 'begin the policy with `@id("name-of-the-clause")`');
    return {
      ok: true,
      policy: { id: id || `policy${number}`, ...lowered, ...source.position(written.start) },
    };
  } catch (error) {
    if (error instanceof LoweringError) return refuse(error.message, error.mend);
    throw error;
  }
}

function idProblem(id: string | undefined): string | undefined {
  if (!id) return 'expected a policy with an `@id`, got one without';
  try {
    asClauseId(id);
    return undefined;
  } catch (error) {
    if (error instanceof IdError) return error.message;
    throw error;
  }
}

/** Ids name policies in every verdict, so each stands for one. */
export function repeatedIds(source: SourceText, policies: readonly CedarPolicy[]): readonly CedarProblem[] {
  const first = new Map<string, CedarPolicy>();
  return policies.flatMap((policy) => {
    const { id, line, column } = policy;
    const earlier = first.get(id);
    first.set(id, earlier ?? policy);
    if (!earlier) return [];
    const message = `expected each policy id once, got \`${id}\` again after line ${earlier.line}`;
    return [{ file: source.path, line, column, clause: id, message, mend: 'give this policy another `@id`' }];
  });
}
