import { field, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { z } from 'zod';
import { RequestError } from '../../errors.ts';
import { id, matching, object, parse, sessionId } from '../../shapes.ts';

/** Section 7 sets no bound on a batch; each of its members is a decision that is signed and made durable. */
const MAX_EVALUATIONS = 100;

// The standard wants members that it does not know to be ignored (section 4), so these shapes are not strict.

const name = matching(/^\P{Cc}{1,128}$/u, 'text of 1 to 128 characters');
const target = matching(/^\P{Cc}{1,4096}$/u, 'text of 1 to 4096 characters');
const shape = <Members extends z.core.$ZodLooseShape>(members: Members) =>
  z.object(members, { error: 'an object' });

const evaluationShape = shape({
  subject: shape({ type: name, id, properties: object.optional() }),
  action: shape({ name, properties: object.optional() }),
  resource: shape({ type: name, id: target, properties: object.optional() }),
  context: object.optional(),
});

/** Ours, within `context`: the rest of it is for the policy. */
const contextShape = shape({ request_id: id.optional(), session: sessionId.optional() });

export interface Evaluation {
  readonly subject: Entity;
  readonly action: { readonly name: string; readonly properties?: JsonObject | undefined };
  readonly resource: Entity;
  readonly attributes: JsonObject;
  readonly requestId: string | undefined;
  readonly session: string | undefined;
}

export interface Entity {
  readonly type: string;
  readonly id: string;
  readonly properties?: JsonObject | undefined;
}

export type Semantic = 'execute_all' | 'deny_on_first_deny' | 'permit_on_first_permit';

export interface Batch {
  /** Each with its defaults filled in, and not parsed yet: one that is malformed spoils no other. */
  readonly members: readonly JsonObject[];
  readonly semantic: Semantic;
}

export function parseEvaluation(body: JsonValue | undefined): Evaluation {
  const { context = {}, ...tuple } = parse(evaluationShape, body);
  const { request_id, session } = parse(contextShape, context);
  const own = new Set(['request_id', 'session']);
  const attributes = Object.fromEntries(Object.entries(context).filter(([key]) => !own.has(key)));
  return { ...tuple, attributes, requestId: request_id, session };
}

/** null: no batch, so the body is a single evaluation (section 7.1). */
export function parseBatch(body: JsonValue | undefined): Batch | null {
  const members = field(body, 'evaluations');
  if (members === undefined || (Array.isArray(members) && members.length === 0)) return null;
  if (!Array.isArray(members))
    throw new RequestError('REQUEST_MALFORMED', 'expected `evaluations` to be an array');
  if (members.length > MAX_EVALUATIONS) {
    const problem = `expected at most ${MAX_EVALUATIONS} evaluations, came ${members.length}`;
    throw new RequestError('REQUEST_MALFORMED', problem, { members: { member: 'evaluations' } });
  }
  const { options } = parse(optionsShape, body);
  const defaults = body as JsonObject;
  return {
    members: members.map((member, index) => withDefaults(defaults, member, index)),
    semantic: options?.evaluations_semantic ?? 'execute_all',
  };
}

const optionsShape = shape({
  options: shape({
    evaluations_semantic: z
      .enum(['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'], {
        error: '`execute_all`, `deny_on_first_deny` or `permit_on_first_permit`',
      })
      .optional(),
  }).optional(),
});

const REQUIRED = [
  ['subject', ['type', 'id']],
  ['action', ['name']],
  ['resource', ['type', 'id']],
] as const;

/** A member's own entity replaces the default whole, but for required parts that it leaves out (section 7.1.1). */
function withDefaults(defaults: JsonObject, member: JsonValue, index: number): JsonObject {
  const own = isJsonObject(member) ? member : {};
  const merged: Record<string, JsonValue> = {};
  for (const [entity, parts] of REQUIRED) {
    const value = own[entity] ?? defaults[entity];
    if (value === undefined) continue;
    merged[entity] = value;
    if (!isJsonObject(value)) continue;
    const missing = parts.flatMap((part) => {
      const fallback = value[part] ?? field(defaults[entity], part);
      return fallback === undefined ? [] : [[part, fallback] as const];
    });
    merged[entity] = { ...value, ...Object.fromEntries(missing) };
  }
  const context = own.context ?? numbered(defaults.context, index);
  return context === undefined ? merged : { ...merged, context };
}

/** One id over a batch would make its members repeats of one another. */
function numbered(context: JsonValue | undefined, index: number): JsonValue | undefined {
  const id = field(context, 'request_id');
  return isJsonObject(context) && typeof id === 'string'
    ? { ...context, request_id: `${id}/${index}` }
    : context;
}
