import type { Caller, VersionReference } from '@provability-fabric/secrets';
import { RequestError } from '../errors.ts';
import type { Call } from '../route.ts';

const NUMBER = /^[1-9]\d{0,8}$/;
const ID = /^v\d{1,16}-[0-9a-z]{6}$/;

/** Who asks, out of the token alone. */
export function callerOf({ identity, client, requestId }: Call): Caller {
  const { id, tenant, roles } = identity.principal;
  const token = identity.capability === null ? {} : { token: identity.capability.id };
  return { tenant, principal: id, roles, details: { client, request_id: requestId, ...token } };
}

/** The tenant of the token, unless another is named: whether that may be is for the use case, which records a denial. */
export function tenantOf({ identity }: Call, asked: string | undefined): string {
  return asked ?? identity.principal.tenant;
}

/** The name, which may hold `/`, as the path has it after its escapes are undone. */
export function nameOf({ params }: Call): string {
  return params['*'] ?? '';
}

/** A number, or an id like `v1732900000000-k3x9qa`; absent: the current version. */
export function versionOf(text: string | undefined): VersionReference {
  if (text === undefined || text === 'current') return 'current';
  if (NUMBER.test(text)) return Number(text);
  if (ID.test(text)) return text;
  throw new RequestError(
    'REQUEST_MALFORMED',
    'expected `version` to be a number from 1 up or an id like `v1732900000000-k3x9qa`, came another text',
  );
}
