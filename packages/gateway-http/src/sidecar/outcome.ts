import type { JsonValue } from '@provability-fabric/kernel';
import type { Identity } from '../ports.ts';
import type { EnforcerPort } from './ports.ts';
import { parseOutcome } from './request-shapes.ts';
import { requireOwnSession, requireToolRunner } from './session-access.ts';

/** `POST /v1/outcome`: once this has answered, the result may be shown to the agent: all of it, or what the answer has. */
export async function outcome(
  enforcer: EnforcerPort,
  identity: Identity,
  body: JsonValue | undefined,
): Promise<JsonValue> {
  const { session, certificate_id, outcome: kind, result } = parseOutcome(body);
  requireOwnSession(identity, session);
  requireToolRunner(enforcer, identity);
  const { tenant, id } = identity.principal;
  const { instead } = await enforcer.settle(
    { tenant, principal: identity.host ? null : id },
    session,
    certificate_id,
    kind,
    result ?? null,
  );
  return instead === undefined ? {} : { result: instead };
}
