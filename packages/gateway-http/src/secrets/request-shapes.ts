import { isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import { checkValue, MAX_STORED_BYTES, type SecretMetadata } from '@provability-fabric/secrets';
import { z } from 'zod';
import { RequestError } from '../errors.ts';
import { id, matching, parse, shape } from '../shapes.ts';

// Lengths and types alone: what a name, a tenant or a field may be is checked where it is used, in one place.

const text = matching(/^\P{Cc}{1,255}$/u, 'text of 1 to 255 characters');
const tenantId = matching(/^\P{Cc}{1,120}$/u, 'text of 1 to 120 characters');
const version = z.union(
  [z.int().min(1).max(999_999_999), z.string().regex(/^(?:[1-9]\d{0,8}|v\d{1,16}-[0-9a-z]{6})$/)],
  { error: 'a number from 1 up or an id like `v1732900000000-k3x9qa`' },
);
const numbers = z
  .array(z.int({ error: 'a number from 1 up' }).min(1, { error: 'a number from 1 up' }), {
    error: 'an array of version numbers',
  })
  .min(1, { error: 'at least one version' })
  .max(100, { error: 'at most 100 versions' });
const cas = z.int({ error: 'a number from 0 up' }).min(0, { error: 'a number from 0 up' });
const metadata = shape({
  sensitivity: z
    .enum(['low', 'medium', 'high', 'critical'], { error: '`low`, `medium`, `high` or `critical`' })
    .optional(),
  tags: z.record(z.string(), text, { error: 'an object of texts' }).optional(),
  max_versions: z.int({ error: 'a number from 1 up' }).min(1, { error: 'a number from 1 up' }).optional(),
  cas_required: z.boolean({ error: 'true or false' }).optional(),
});
const anyValue = z.custom<JsonValue>((value) => isJsonObject(value as JsonValue), {
  error: 'an object of texts',
});

export const placeMembers = { tenantId: tenantId.optional(), secretKey: text };
const writeShape = shape({
  value: anyValue,
  cas: cas.optional(),
  description: text.optional(),
  metadata: metadata.optional(),
});
const placeShape = shape(placeMembers);
const rollbackShape = shape({ ...placeMembers, targetVersion: version });
const compareShape = shape({ ...placeMembers, from: version, to: version });
const versionsShape = shape({ ...placeMembers, versions: numbers });
const eraseShape = shape({ tenantId });
const metadataShape = shape({ ...placeMembers, metadata });
const useShape = shape({
  tenant: tenantId.optional(),
  secret: text,
  field: text.nullable(),
  tool: id,
  principal: id,
  session: id,
  certificateId: id,
});
const fingerprintsShape = shape({
  tenant: tenantId.optional(),
  etag: matching(/^[A-Za-z0-9._:-]{1,128}$/, 'an etag that this route gave out').optional(),
});

type Body = JsonValue | undefined;

export const parseWrite = (body: Body) => parse(writeShape, body);
export const parsePlace = (body: Body) => parse(placeShape, body);
export const parseRollback = (body: Body) => parse(rollbackShape, body);
export const parseCompare = (body: Body) => parse(compareShape, body);
export const parseVersions = (body: Body) => parse(versionsShape, body);
export const parseErase = (body: Body) => parse(eraseShape, body);
export const parseMetadata = (body: Body) => parse(metadataShape, body);
export const parseUse = (body: Body) => parse(useShape, body);
export const parseFingerprints = (body: Body) => parse(fingerprintsShape, body ?? {});

/** In our words; only what is named. */
export function metadataChange(asked: z.infer<typeof metadata> | undefined): Partial<SecretMetadata> {
  return {
    ...(asked?.sensitivity !== undefined && { sensitivity: asked.sensitivity }),
    ...(asked?.tags !== undefined && { tags: asked.tags }),
    ...(asked?.max_versions !== undefined && { maxVersions: asked.max_versions }),
    ...(asked?.cas_required !== undefined && { casRequired: asked.cas_required }),
  };
}

/** A value that is too long is said to be so by its status; everything else about it the use case checks. */
export function requireShort(value: JsonValue): void {
  try {
    checkValue(value);
  } catch (error) {
    const bytes = Buffer.byteLength(
      JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? 0 : part)),
    );
    if (bytes <= MAX_STORED_BYTES) throw error;
    const members = { member: 'value', expected: `at most ${MAX_STORED_BYTES} bytes` };
    const detail = `expected a value of at most ${MAX_STORED_BYTES} bytes as JSON, came \`${bytes}\``;
    throw new RequestError('BODY_TOO_LARGE', detail, { members });
  }
}
