import {
  field,
  isJsonObject,
  JsonError,
  type JsonErrorCode,
  type JsonObject,
  type JsonValue,
  parseJsonBytes,
} from '@provability-fabric/kernel';

export type RequestId = string | number | bigint;
/** One text per id: `1`, `1.0` and `1e0` are one id, `"1"` is another. */
export type IdKey = string;

export interface Request {
  readonly kind: 'request';
  readonly id: RequestId;
  readonly key: IdKey;
  readonly method: string;
  readonly params: JsonObject | undefined;
}
export interface Notification {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: JsonObject | undefined;
}
export interface Response {
  readonly kind: 'response';
  /** Undefined for the id null of an error about a message that had none to be read. */
  readonly key: IdKey | undefined;
  readonly body:
    | { readonly ok: true; readonly result: JsonValue }
    | { readonly ok: false; readonly error: JsonObject };
  readonly whole: JsonObject;
}
export interface Malformed {
  readonly kind: 'malformed';
  /**
   * A JsonError's code where the text is no JSON that everybody reads alike, else what is wrong with its
   * shape.
   */
  readonly code: JsonErrorCode | 'NOT_A_MESSAGE' | 'BATCH' | 'CARRIAGE_RETURN';
  readonly reason: string;
  readonly id: RequestId | undefined;
  readonly key: IdKey | undefined;
  /** Whether it has a method: then its id is its sender's own, and it answers nobody. */
  readonly isCall: boolean;
}
export type Message = Request | Notification | Response | Malformed | { readonly kind: 'blank' };

/** Ids, progress tokens and task ids are remembered: a peer must not choose how much memory that takes. */
export const MAX_ID_LENGTH = 1024;

// Beyond this, a malformed line is not read a second time to find out whom it answers.
const MAX_RECOVERY_BYTES = 1024 * 1024;
const CARRIAGE_RETURN = 0x0d;

/** Reads one line, with or without its terminator. Never throws: the peer controls every byte. */
export function readMessage(line: Buffer): Message {
  if (isBlank(line)) return { kind: 'blank' };
  // A carriage return is white space to JSON but ends a line for readers with universal newlines (Python's
  // text mode does): what is one message here could be three there, and the middle one was never decided.
  const returnAt = line.indexOf(CARRIAGE_RETURN);
  if (returnAt >= 0 && returnAt < contentLength(line)) {
    return malformed('CARRIAGE_RETURN', 'expected no carriage return inside a message');
  }
  let value: JsonValue;
  try {
    value = parseJsonBytes(line);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const known = recover(line, error.code);
    return malformed(error.code, error.message, known?.id, known?.isCall);
  }
  return readShape(value);
}

export function idKey(id: JsonValue | undefined): IdKey | undefined {
  switch (typeof id) {
    case 'string':
      return id.length <= MAX_ID_LENGTH ? `s${id}` : undefined;
    case 'number':
      return Number.isInteger(id) ? `n${BigInt(id)}` : undefined;
    case 'bigint':
      return `n${id}`;
    default:
      return undefined;
  }
}

function readShape(value: JsonValue): Message {
  if (Array.isArray(value)) return malformed('BATCH', 'batches are not supported; send one message per line');
  if (!isJsonObject(value)) return malformed('NOT_A_MESSAGE', 'expected a JSON-RPC message, an object');
  const rawId = field(value, 'id');
  const key = idKey(rawId);
  const id = key === undefined ? undefined : (rawId as RequestId);
  const method = field(value, 'method');
  const bad = (reason: string) => malformed('NOT_A_MESSAGE', reason, id, method !== undefined);

  if (field(value, 'jsonrpc') !== '2.0') return bad('expected `jsonrpc` to be "2.0"');
  // No member beside these: readers that fold case (Go's encoding/json) would take `Method` for `method`, and
  // what stands outside of `result` would reach the other side undecided.
  const isCall = method !== undefined;
  const allowed = isCall ? CALL_MEMBERS : RESPONSE_MEMBERS;
  const foreign = Object.keys(value).find((name) => !allowed.includes(name));
  if (foreign !== undefined) return bad(`expected only ${allowed.join(', ')} in the message`);

  if (!isCall) return readResponse(value, rawId, key) ?? bad('expected `id` and one of `result` and `error`');
  if (typeof method !== 'string') return bad('expected `method` to be a string');
  const params = field(value, 'params');
  if (params !== undefined && !isJsonObject(params)) return bad('expected `params` to be an object');
  if (rawId === undefined) return { kind: 'notification', method, params };
  if (key === undefined) {
    return bad(`expected \`id\` to be an integer or a string of at most ${MAX_ID_LENGTH} characters`);
  }
  return { kind: 'request', id: rawId as RequestId, key, method, params };
}

const CALL_MEMBERS = ['jsonrpc', 'id', 'method', 'params'];
const RESPONSE_MEMBERS = ['jsonrpc', 'id', 'result', 'error'];

function readResponse(
  whole: JsonObject,
  rawId: JsonValue | undefined,
  key: IdKey | undefined,
): Response | undefined {
  const result = field(whole, 'result');
  const error = field(whole, 'error');
  if (error === undefined) {
    if (result === undefined || key === undefined) return undefined;
    return { kind: 'response', key, body: { ok: true, result }, whole };
  }
  if (result !== undefined || !isJsonObject(error)) return undefined;
  if (key === undefined && rawId !== null && rawId !== undefined) return undefined;
  return { kind: 'response', key, body: { ok: false, error }, whole };
}

function malformed(code: Malformed['code'], reason: string, id?: RequestId, isCall = true): Malformed {
  return { kind: 'malformed', code, reason, id, key: idKey(id), isCall };
}

/**
 * Whom a malformed line concerns, so that its sender or receiver need not wait in vain. Only where a lenient
 * reader cannot be misled about the id (a duplicate key could be the id itself).
 */
function recover(line: Buffer, code: JsonErrorCode): { id: RequestId; isCall: boolean } | undefined {
  if (code !== 'JSON_LONE_SURROGATE' && code !== 'JSON_NUMBER_RANGE' && code !== 'JSON_UTF8')
    return undefined;
  if (line.length > MAX_RECOVERY_BYTES) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'id')) return undefined;
  const id = (value as { id: unknown }).id;
  const readable = typeof id === 'string' ? isShortText(id) : Number.isSafeInteger(id);
  return readable ? { id: id as RequestId, isCall: Object.hasOwn(value, 'method') } : undefined;
}

/** Half a surrogate pair cannot be sent back: it has no UTF-8. */
function isShortText(text: string): boolean {
  return text.length <= MAX_ID_LENGTH && !/\p{Surrogate}/u.test(text);
}

function contentLength(line: Buffer): number {
  let end = line.length;
  if (line[end - 1] === 0x0a) end--;
  if (line[end - 1] === CARRIAGE_RETURN) end--;
  return end;
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === CARRIAGE_RETURN || byte === 0x0a);
}
