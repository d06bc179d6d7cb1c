import type { JsonValue } from '@provability-fabric/kernel';
import type { Identity } from '../ports.ts';
import type { EnforcerPort } from './ports.ts';
import { parsePrompt, parseSessionId } from './request-shapes.ts';
import { requireHost } from './session-access.ts';

/**
 * `POST /v1/sessions/:sid/prompt`: what the user wants, said by the host. `principal` is the agent whose
 * session it is; the tenant is always the token's.
 */
export async function prompt(
  enforcer: EnforcerPort,
  identity: Identity,
  sid: string,
  body: JsonValue | undefined,
): Promise<JsonValue> {
  requireHost(identity, sid);
  const { text, principal } = parsePrompt(body);
  const owner =
    principal === undefined
      ? identity.principal
      : {
          id: principal,
          roles: [],
          org: identity.principal.org,
          tenant: identity.principal.tenant,
          attributes: {},
        };
  return { session: await enforcer.prompt(owner, parseSessionId(sid), text) };
}
