import type { IncomingHttpHeaders } from 'node:http';
import { JsonError, type JsonValue, parseJsonBytes } from '@provability-fabric/kernel';
import type { FastifyInstance } from 'fastify';
import { type ProblemCode, RequestError } from './errors.ts';

const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.+-]+\+)?json[ \t]*(?:;|$)/i;
const CURL_TYPE = /^application\/x-www-form-urlencoded$/i;

const CODES: Readonly<Record<JsonError['code'], ProblemCode>> = {
  JSON_SYNTAX: 'JSON_SYNTAX',
  JSON_DUPLICATE_KEY: 'JSON_DUPLICATE_KEY',
  JSON_LONE_SURROGATE: 'JSON_LONE_SURROGATE',
  JSON_NUMBER_RANGE: 'JSON_NUMBER_RANGE',
  JSON_DEPTH: 'JSON_DEPTH',
  JSON_UTF8: 'JSON_UTF8',
  // Only writers give these two.
  JSON_NOT_CANONICAL: 'INTERNAL',
  JSON_UNREPRESENTABLE: 'INTERNAL',
};

/** Every body is JSON, read by the kernel: integers stay exact and one document has one meaning. */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
    parse(body),
  );
}

function parse(body: Buffer): JsonValue {
  try {
    return parseJsonBytes(body);
  } catch (error) {
    if (error instanceof JsonError) throw new RequestError(CODES[error.code], error.message);
    throw error;
  }
}

/** How many bytes a request may bring; refuses, before any of them is read, what is too long or no JSON. */
export function announcedBytes(headers: IncomingHttpHeaders, limit: number, strictType = false): number {
  const type = headers['content-type'];
  if (strictType && type !== undefined && !JSON_TYPE.test(type)) {
    throw new RequestError(
      'REQUEST_MALFORMED',
      'expected `content-type: application/json`, came another type',
    );
  }
  // `curl -d` says form when it means JSON, and the runbooks' lines are written that way; what is no JSON fails as such.
  if (type !== undefined && !JSON_TYPE.test(type) && !CURL_TYPE.test(type)) {
    const problem = 'expected `content-type: application/json` or none, came another type';
    throw new RequestError('UNSUPPORTED_MEDIA_TYPE', problem);
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new RequestError(
      'UNSUPPORTED_MEDIA_TYPE',
      'expected a body without `content-encoding`, came an encoded one',
    );
  }
  if (headers['transfer-encoding'] !== undefined) return limit;
  const length = Number(headers['content-length'] ?? 0);
  if (length > limit) throw bodyTooLarge(limit, `${length}`);
  return length;
}

function bodyTooLarge(limit: number, came: string): RequestError {
  const members = { expected: `at most ${limit} bytes` };
  return new RequestError('BODY_TOO_LARGE', `expected a body of at most ${limit} bytes, came \`${came}\``, {
    members,
  });
}
