import type { JsonValue } from '@provability-fabric/kernel';
import { z } from 'zod';
import { anyJson, id, kindOrObject, object, parse, sessionId, shape, uri } from '../shapes.ts';

const call = z.strictObject({ kind: z.literal('call'), tool: id, args: object.optional() });
const read = z.strictObject({ kind: z.literal('read'), uri, args: object.optional() });

const authorizeShape = shape({
  request_id: id,
  action: z.discriminatedUnion('kind', [call, read], { error: kindOrObject }),
  attributes: object.optional(),
  session: sessionId.optional(),
});

const outcomeShape = shape({
  session: sessionId,
  certificate_id: id,
  outcome: z.enum(['done', 'failed', 'ambiguous'], { error: '`done`, `failed` or `ambiguous`' }),
  result: anyJson.optional(),
});

const promptShape = shape({
  text: z.string({ error: 'text' }).min(1, { error: 'text of at least one character' }),
  principal: id.optional(),
});

export const parseAuthorize = (body: JsonValue | undefined) => parse(authorizeShape, body);
export const parseOutcome = (body: JsonValue | undefined) => parse(outcomeShape, body);
export const parsePrompt = (body: JsonValue | undefined) => parse(promptShape, body);
/** A session id out of the path. */
export const parseSessionId = (sid: string) => parse(z.strictObject({ sid: sessionId }), { sid }).sid;
