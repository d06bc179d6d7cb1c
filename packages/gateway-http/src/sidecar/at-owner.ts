import { EnforcementError } from '@provability-fabric/enforcement';
import { type JsonValue, stringifyJson } from '@provability-fabric/kernel';
import { RequestError } from '../errors.ts';
import type { Answer } from '../respond.ts';
import type { Call } from '../route.ts';
import type { ForwardedAnswer, Forwarder } from './ports.ts';

/**
 * Serves a request here, or has the fabric that owns the session serve it. It goes one step at most: two fabrics that
 * each take the other for the owner must not send it round in a circle.
 */
export async function atOwner(
  call: Call,
  forwarder: Forwarder | undefined,
  target: { readonly path: string; readonly body: JsonValue | undefined },
  serve: () => Promise<JsonValue>,
): Promise<Answer> {
  try {
    return { status: 200, body: await serve() };
  } catch (error) {
    const owner = ownerIn(error);
    if (owner === undefined || forwarder === undefined || call.forwarded) throw error;
    const { status, type, retryAfter, body } = await forward(call, forwarder, owner, target);
    const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
    return { status, type, bytes: body, headers };
  }
}

async function forward(
  { authorization, requestId }: Call,
  forwarder: Forwarder,
  owner: string,
  { path, body }: { readonly path: string; readonly body: JsonValue | undefined },
): Promise<ForwardedAnswer> {
  // As it was read here, not as it came: two readers of the same bytes could understand them differently.
  const bytes = Buffer.from(stringifyJson(body ?? null));
  try {
    return await forwarder.forward(owner, { path, authorization, requestId, body: bytes });
  } catch {
    const mend = 'repeat it unchanged: what was decided is given again';
    throw new RequestError('OWNER_UNREACHABLE', `the fabric that owns this session did not answer; ${mend}`);
  }
}

/** Where the session is, as its lease says: the enforcer's word, no client's. */
function ownerIn(error: unknown): string | undefined {
  if (!(error instanceof EnforcementError) || error.code !== 'SESSION_ELSEWHERE') return undefined;
  return error.address ?? undefined;
}
