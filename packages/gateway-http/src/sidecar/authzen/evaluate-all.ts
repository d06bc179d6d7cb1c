import { EnforcementError } from '@provability-fabric/enforcement';
import { field, type JsonObject, type JsonValue, parseJsonBytes } from '@provability-fabric/kernel';
import { RequestError } from '../../errors.ts';
import { problemOf } from '../../problem.ts';
import type { Answer } from '../../respond.ts';
import type { Call } from '../../route.ts';
import type { AuthzenOptions } from '../ports.ts';
import { evaluate } from './evaluate.ts';
import { type Batch, parseEvaluation, type Semantic } from './evaluation-shapes.ts';

/** What ends a batch before its end, by its semantic. */
const LAST: Readonly<Record<Semantic, boolean | null>> = {
  execute_all: null,
  deny_on_first_deny: false,
  permit_on_first_permit: true,
};

/** Decides a batch in its order: within a session each decision is part of what the next one looks at. */
export async function evaluateAll(
  options: AuthzenOptions,
  call: Call,
  { members, semantic }: Batch,
): Promise<Answer> {
  const evaluations: JsonValue[] = [];
  for (const member of members) {
    if (call.gone()) throw new RequestError('REQUEST_MALFORMED', 'expected the client to stay');
    const evaluated = await one(options, call, member);
    evaluations.push(evaluated);
    if (field(evaluated, 'decision') === LAST[semantic]) break;
  }
  return { status: 200, body: { evaluations } };
}

/** A member that cannot be decided is denied, and spoils no other (section 7.2.1). */
async function one(options: AuthzenOptions, call: Call, member: JsonObject): Promise<JsonValue> {
  try {
    const answer = await evaluate(options, call, parseEvaluation(member));
    const body = 'body' in answer ? answer.body : parseJsonBytes(answer.bytes);
    return answer.status === 200 ? body : denied(answer.status, body);
  } catch (error) {
    if (!(error instanceof RequestError || error instanceof EnforcementError)) throw error;
    const { status, document } = problemOf(error, call.requestId);
    return denied(status, document);
  }
}

function denied(status: number, problem: JsonValue): JsonObject {
  const code = field(problem, 'code') ?? 'INTERNAL';
  return { decision: false, context: { error: { status, code, message: field(problem, 'detail') ?? code } } };
}
