import { type JsonObject, type JsonValue, parseJson } from '@provability-fabric/kernel';
import { formatInstant } from '@provability-fabric/policy';
import type {
  Comparison,
  SecretDescription,
  SecretMetadata,
  StoredSecret,
  VersionInfo,
} from '@provability-fabric/secrets';
import type { Answer } from '../respond.ts';
import type { SecretAccessRow } from './ports.ts';

export const NOTHING: Answer = { status: 204, bytes: new Uint8Array(), type: 'application/json' };

export function renderedVersion({
  version,
  id,
  createdAt,
  createdBy,
  description,
  state,
}: VersionInfo): JsonObject {
  return {
    version,
    id,
    created_at: formatInstant(createdAt),
    created_by: createdBy,
    description,
    state,
  };
}

export function renderedMetadata({
  sensitivity,
  tags,
  maxVersions,
  casRequired,
}: SecretMetadata): JsonObject {
  return { sensitivity, tags: { ...tags }, max_versions: maxVersions, cas_required: casRequired };
}

/** The one rendering that holds a value. */
export function renderedSecret(name: string, { value, version, metadata }: StoredSecret): JsonObject {
  return {
    name,
    value: { ...value },
    version: renderedVersion(version),
    metadata: renderedMetadata(metadata),
  };
}

export function renderedDescription(description: SecretDescription): JsonValue {
  return description.versions.map(renderedVersion);
}

export function renderedComparison({ from, to, changes }: Comparison): JsonObject {
  return {
    from: renderedVersion(from),
    to: renderedVersion(to),
    changes: changes.map(({ field, change }) => ({ field, change })),
  };
}

export function renderedAccess(access: SecretAccessRow): JsonObject {
  return {
    id: access.id,
    tenant: access.tenant,
    principal: access.principal,
    action: access.action,
    secret: access.secret,
    version: access.version ?? null,
    result: access.result,
    error_code: access.errorCode ?? null,
    details: parseJson(JSON.stringify(access.details)),
    at: formatInstant(access.at),
    statement_digest: access.statementDigest,
  };
}
