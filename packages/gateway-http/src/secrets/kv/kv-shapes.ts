import { isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import type { SecretMetadata } from '@provability-fabric/secrets';
import { z } from 'zod';
import { RequestError } from '../../errors.ts';
import { object, parse, shape } from '../../shapes.ts';

const whole = z.int({ error: 'a number from 0 up' }).min(0, { error: 'a number from 0 up' });
const options = shape({ cas: whole.optional() });
const writeShape = shape({ data: object, options: options.nullish() });
const versionsShape = shape({
  versions: z
    .array(z.union([whole, z.string().regex(/^\d{1,9}$/)], { error: 'a version number' }).transform(Number), {
      error: 'an array of version numbers',
    })
    .max(100, { error: 'at most 100 versions' }),
});
const NEVER = /^0(?:s|m|h)?$/;
const metadataShape = shape({
  max_versions: whole.max(1000, { error: 'a number up to 1000' }).nullish(),
  cas_required: z.boolean({ error: 'true or false' }).nullish(),
  delete_version_after: z
    .string({ error: '`0s`' })
    .regex(NEVER, { error: '`0s`: versions are not deleted by age' })
    .nullish(),
  custom_metadata: z
    .record(z.string(), z.string({ error: 'a text' }).nullable(), { error: 'an object of texts' })
    .nullish(),
});

type Body = JsonValue | undefined;
/** Vault keeps ten where nobody says how many. */
const USUAL_VERSIONS = 10;

export function parseKvWrite(body: Body): { readonly data: JsonObject; readonly cas: number | undefined } {
  if (body === undefined || (isJsonObject(body) && (body.data === undefined || body.data === null)))
    throw new RequestError('REQUEST_MALFORMED', 'no data provided');
  const { data, options: given } = parse(writeShape, body);
  return { data, cas: given?.cas };
}

export function parseKvVersions(body: Body): readonly number[] {
  const { versions } = parse(versionsShape, body);
  if (versions.length > 0) return versions;
  throw new RequestError('REQUEST_MALFORMED', 'no version number provided');
}

/** What is named changes. In a patch a tag that is null goes; otherwise the tags given are all that there are. */
export function parseKvMetadata(body: Body, tags: SecretMetadata['tags'] | null): Partial<SecretMetadata> {
  const asked = parse(metadataShape, body ?? {});
  const { max_versions: most, cas_required: casRequired, custom_metadata: custom } = asked;
  const merged = { ...(tags ?? {}), ...custom };
  const kept = Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null);
  return {
    ...(typeof most === 'number' && { maxVersions: most === 0 ? USUAL_VERSIONS : most }),
    ...(typeof casRequired === 'boolean' && { casRequired }),
    ...(custom !== undefined && custom !== null && { tags: Object.fromEntries(kept) }),
  };
}
