import { z } from 'zod';
import { SecretError } from '../../errors.ts';

// What Vault answers is untrusted: it is read as far as it is needed, and what cannot be true is refused.

const time = z.string().refine((text) => Number.isFinite(Date.parse(text)));
const optionalTime = z.union([z.literal(''), time]);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const versionFacts = { created_time: time, deletion_time: optionalTime, destroyed: z.boolean() };

export const readAnswer = z.object({
  data: z.object({
    data: z.record(z.string(), z.unknown()).nullable(),
    metadata: z.object({ ...versionFacts, version: count.min(1) }),
  }),
});

export const writtenAnswer = z.object({
  data: z.object({ created_time: time, version: count.min(1) }),
});

export const metadataAnswer = z.object({
  data: z.object({
    current_version: count,
    max_versions: count,
    cas_required: z.boolean(),
    created_time: time,
    updated_time: time,
    versions: z.record(z.string().regex(/^[1-9][0-9]{0,15}$/), z.object(versionFacts)),
  }),
});

export const listAnswer = z.object({ data: z.object({ keys: z.array(z.string().max(1024)).max(200_000) }) });

const tokenText = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^[\x21-\x7e]+$/);

export const loginAnswer = z.object({
  auth: z.object({ client_token: tokenText, lease_duration: count, renewable: z.boolean() }),
});

export const lookupAnswer = z.object({ data: z.object({ ttl: count, renewable: z.boolean().optional() }) });

/** Throws PROVIDER_INCONSISTENT; neither the answer nor what is wrong in it is repeated, since it may hold a value. */
export function parseAnswer<T>(schema: z.ZodType<T>, body: string, what: string): T {
  const parsed = schema.safeParse(jsonOf(body));
  if (parsed.success) return parsed.data;
  throw inconsistent(
    `expected Vault's answer to ${what} to be of the form that KV version 2 documents; see that VAULT_ADDR leads to Vault ` +
      'and that the mount is of version 2',
  );
}

export function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

export function inconsistent(message: string): SecretError {
  return new SecretError('PROVIDER_INCONSISTENT', message);
}
