import { field, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { z } from 'zod';
import { RequestError } from './errors.ts';

// Each message says what was expected, and nothing else does: zod's own texts repeat values, which are not
// ours to repeat.

const ID = /^[A-Za-z0-9._:@/+-]{1,128}$/;

/** What the log takes as a name: of a request, principal, tenant, tool or token. */
export const id = matching(ID, 'text of 1 to 128 characters out of A-Z a-z 0-9 . _ : @ / + -');
export const sessionId = matching(ID, 'a session id of 1 to 128 characters out of A-Z a-z 0-9 . _ : @ / + -');
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not come in
const URI = /^[^\u0000-\u0020\u007f]{1,4096}$/;
export const uri = matching(URI, 'a URI of 1 to 4096 characters without spaces');
export const anyJson = z.custom<JsonValue>((value) => value !== undefined, { error: 'any JSON value' });
export const object = z.custom<JsonObject>((value) => isJsonObject(value as JsonValue), {
  error: 'an object',
});

export function matching(pattern: RegExp, error: string) {
  return z.string({ error }).regex(pattern, { error });
}

export function shape<Members extends z.core.$ZodLooseShape>(members: Members) {
  return z.strictObject(members, { error: 'an object' });
}

export function kindOrObject(issue: { readonly input?: unknown }): string {
  return isJsonObject(issue.input as JsonValue) ? '`call` or `read`' : 'an object';
}

export function parse<Output>(schema: z.ZodType<Output>, body: JsonValue | undefined): Output {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue?.code === 'unrecognized_keys') {
    const where = [...issue.path, issue.keys[0] ?? ''];
    throw malformed(where, 'no such member', valueAt(body, where));
  }
  throw malformed(issue?.path ?? [], issue?.message ?? 'another body', valueAt(body, issue?.path ?? []));
}

function malformed(
  path: readonly PropertyKey[],
  expected: string,
  value: JsonValue | undefined,
): RequestError {
  const member = path.map((part) => nameOf(String(part))).join('.') || 'body';
  const came = kindOf(value);
  const detail = `expected \`${member}\` to be ${expected}, came ${came}`;
  return new RequestError('REQUEST_MALFORMED', detail, { members: { member, expected, came } });
}

/** A client chose it: shown only as far as it is short and plain. */
function nameOf(key: string): string {
  return /^[A-Za-z0-9_.-]{1,64}$/.test(key) ? key : '(another name)';
}

function valueAt(body: JsonValue | undefined, path: readonly PropertyKey[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((value, key) => field(value, String(key)), body);
}

/** What a value is, not what it says: it may be an argument, or a token in the wrong place. */
function kindOf(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  switch (typeof value) {
    case 'string':
      return `text of ${value.length} characters`;
    case 'number':
    case 'bigint':
      return 'a number';
    case 'boolean':
      return 'true or false';
    default:
      return 'an object';
  }
}
