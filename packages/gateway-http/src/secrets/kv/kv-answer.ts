import type { JsonObject, JsonValue } from '@provability-fabric/kernel';
import { formatInstant } from '@provability-fabric/policy';
import type { SecretMetadata, VersionInfo } from '@provability-fabric/secrets';
import type { ProblemCode } from '../../errors.ts';
import type { Problem } from '../../problem.ts';
import type { Answer } from '../../respond.ts';
import type { Call } from '../../route.ts';

// Bodies as Vault's and OpenBao's clients parse them (Vault API, "Response" and KV v2).

export function kvAnswer({ requestId }: Pick<Call, 'requestId'>, data: JsonValue, status = 200): Answer {
  return { status, body: envelope(requestId, data, null) };
}

export function kvAuth({ requestId }: Pick<Call, 'requestId'>, auth: JsonObject): Answer {
  return { status: 200, body: envelope(requestId, null, auth) };
}

function envelope(requestId: string, data: JsonValue, auth: JsonObject | null): JsonObject {
  return {
    request_id: requestId,
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data,
    wrap_info: null,
    warnings: null,
    auth,
    mount_type: data === null ? '' : 'kv',
  };
}

/** `deletedAt` ms since 1970, or null while the version is there. */
export function kvVersion(
  { createdAt, state, version }: VersionInfo,
  metadata: SecretMetadata | null,
  deletedAt: number | null,
): JsonObject {
  return {
    created_time: formatInstant(createdAt),
    custom_metadata: customMetadata(metadata),
    deletion_time: deletedAt === null ? '' : formatInstant(deletedAt),
    destroyed: state === 'destroyed',
    version,
  };
}

export function customMetadata(metadata: SecretMetadata | null): JsonObject | null {
  return metadata === null || Object.keys(metadata.tags).length === 0 ? null : { ...metadata.tags };
}

/** What those clients know of a refusal: a status of Vault's, and texts. */
export function kvRefusal({ code, status, headers, document }: Problem): Answer {
  const retry = headers['retry-after'];
  return {
    status: STATUS[code] ?? (status === 401 ? 403 : status === 409 ? 400 : status),
    headers: retry === undefined ? {} : { 'retry-after': retry },
    body: { errors: [...(ERRORS[code] ?? [status === 401 ? DENIED : `${document.detail ?? code}`])] },
  };
}

const DENIED = 'permission denied';
const STATUS: { readonly [code in ProblemCode]?: number } = { UNSUPPORTED_MEDIA_TYPE: 415 };
const ERRORS: { readonly [code in ProblemCode]?: readonly string[] } = {
  SECRET_NOT_FOUND: [],
  SECRET_VERSION_NOT_FOUND: [],
  SECRET_DELETED: [],
  SECRET_DESTROYED: [],
  SECRETS_SEALED: ['Vault is sealed'],
};
