import { isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { z } from 'zod';
import { ClientError } from './errors.ts';

// What the service may answer. Members that are not named here are a newer service's, and are left alone.

const ID = /^[A-Za-z0-9._:@/+-]{1,128}$/;
const CODE = /^[A-Za-z0-9._-]{1,128}$/;

const object = z.custom<JsonObject>((value) => isJsonObject(value as JsonValue));
const anything = z.custom<JsonValue>((value) => value !== undefined);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const id = z.string().regex(ID);
const code = z.string().regex(CODE);
const verdict = z.enum(['accept', 'hold', 'reject', 'error']);
const effect = z.enum(['allow', 'hold', 'block']);

const refusal = z.object({ code, clause: code.nullable(), ticket: id.optional() });

export const decisionShape = z.object({
  effect,
  verdict,
  certificate_id: digest,
  session: id,
  refusal: refusal.optional(),
  arguments: object.optional(),
  answer: z.object({ outcome: z.enum(['done', 'failed']), result: anything }).optional(),
});

export const outcomeShape = z.object({ result: anything.optional() });
export const promptShape = z.object({ session: id });

export const healthShape = z.object({
  status: z.enum(['healthy', 'unhealthy']),
  uptime: z.number().nonnegative(),
  problems: z.array(z.object({ component: z.string().max(256), problem: z.string().max(4096) })).optional(),
});

export const evaluationShape = z.object({ decision: z.boolean(), context: object.optional() });
export const evaluationsShape = z.object({ evaluations: z.array(evaluationShape).max(1000) });

/** A statement as the ledger lists it: its payload, with its place and signature beside it. */
export const listedShape = z.array(
  object.refine(({ index, signature }) => Number.isSafeInteger(index) && typeof signature === 'string'),
);
export const countShape = z.object({ count: z.int().nonnegative() });
export const certificateShape = z.object({
  certificate_id: digest,
  tenant: id,
  session: id,
  seq: z.int().nonnegative(),
  effect,
  verdict,
  issued_at: z.iso.datetime(),
});

export function parseAnswer<Output>(shape: z.ZodType<Output>, value: JsonValue, what: string): Output {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  // Where it is wrong, never what stands there.
  const path = result.error.issues[0]?.path.map(String).join('.') ?? '';
  const where = /^[A-Za-z0-9_.]{1,100}$/.test(path) ? ` at \`${path}\`` : '';
  throw new ClientError('ANSWER_MALFORMED', `expected ${what}, came something else${where}`);
}
