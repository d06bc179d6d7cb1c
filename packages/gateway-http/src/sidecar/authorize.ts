import type { JsonValue } from '@provability-fabric/kernel';
import type { Identity } from '../ports.ts';
import { carried } from './carried.ts';
import type { EnforcerPort } from './ports.ts';
import { parseAuthorize } from './request-shapes.ts';
import { requireToolRunner, sessionToActIn } from './session-access.ts';

/** `POST /v1/authorize`: a refusal is a decision too, and as good an answer as any. */
export async function authorize(
  enforcer: EnforcerPort,
  identity: Identity,
  body: JsonValue | undefined,
): Promise<JsonValue> {
  const asked = parseAuthorize(body);
  requireToolRunner(enforcer, identity);
  const { action } = asked;
  const answer = await enforcer.authorize({
    principal: identity.principal,
    capability: identity.capability,
    session: sessionToActIn(identity, asked.session),
    requestId: asked.request_id,
    action: {
      kind: action.kind,
      target: action.kind === 'call' ? action.tool : action.uri,
      args: action.args ?? {},
    },
    epoch: identity.epoch,
    attributes: asked.attributes ?? {},
  });
  const { effect, verdict, certificateId, session, refusal } = answer;
  return {
    effect,
    verdict,
    certificate_id: certificateId,
    session,
    ...(refusal === null ? {} : { refusal: { ...refusal } }),
    ...carried(answer),
  };
}
