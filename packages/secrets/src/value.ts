import { SecretError } from './errors.ts';

/** A flat map of texts, as Vault's KV and the files of mounted volumes have it. */
export type SecretValue = Readonly<Record<string, string>>;

/** AWS Secrets Manager's limit, which is the least of the three providers'. */
export const MAX_VALUE_BYTES = 65_536;
const MAX_FIELDS = 128;
/** Room for what providers without a place of their own for metadata keep beside the fields. */
const RESERVED_BYTES = 4_096;
/** As JSON. */
export const MAX_STORED_BYTES = MAX_VALUE_BYTES - RESERVED_BYTES;
/** No UTF-8 has it: a provider would store another text. */
const LONE_SURROGATE = /\p{Cs}/u;
const FIELD = /^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$/;

/** Throws SECRET_VALUE_INVALID, which names a field at most. */
export function checkValue(value: unknown): SecretValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('an object of texts, like `{"password": "…"}`');
  const entries = Object.entries(value);
  if (entries.length === 0 || entries.length > MAX_FIELDS) throw invalid(`1 to ${MAX_FIELDS} fields`);
  for (const [field, content] of entries) {
    if (!FIELD.test(field))
      throw invalid('field names of 1 to 127 characters out of A-Z a-z 0-9 . _ -, a letter or digit first');
    if (typeof content !== 'string' || LONE_SURROGATE.test(content))
      throw invalid(`text in the field \`${field}\``);
  }
  const bytes = new TextEncoder().encode(JSON.stringify(value)).length;
  if (bytes > MAX_STORED_BYTES) throw invalid(`at most ${MAX_STORED_BYTES} bytes as JSON, got \`${bytes}\``);
  return Object.fromEntries(entries);
}

function invalid(expected: string): SecretError {
  return new SecretError('SECRET_VALUE_INVALID', `expected a secret's value to be ${expected}`);
}
