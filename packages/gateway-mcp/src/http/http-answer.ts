import type { ServerResponse } from 'node:http';
import type { RequestId } from '../message.ts';
import { errorLine, INVALID_REQUEST, PARSE_ERROR, REFUSED } from '../refusal.ts';

/** Why the endpoint itself answers a request, without any session's relay. */
export type EndpointCode =
  | 'HOST_REFUSED'
  | 'ORIGIN_REFUSED'
  | 'METHOD_NOT_ALLOWED'
  | 'NOT_ACCEPTABLE'
  | 'CONTENT_TYPE'
  | 'PROTOCOL_VERSION'
  | 'SESSION_MISSING'
  | 'SESSION_UNKNOWN'
  | 'SESSION_BEGUN'
  | 'STREAM_OPEN'
  | 'MESSAGE_TOO_LARGE'
  | 'BODY_TIMEOUT'
  | 'BODY_UNFINISHED'
  | 'ID_IN_USE'
  | 'TOO_MANY_PENDING'
  | 'TOO_MANY_PROCESSES'
  | 'TOO_MANY_SESSIONS'
  | 'TOO_MANY_BYTES'
  | 'UPSTREAM_UNKNOWN'
  | 'UPSTREAM_NOT_STARTED'
  | 'RELAY_CLOSED';

/** The upstream let the fabric itself in no further: of no use to the caller, who cannot mend it. */
export const DENIED_STATUS = 502;

const STATUS: Readonly<Record<EndpointCode, number>> = {
  HOST_REFUSED: 403,
  ORIGIN_REFUSED: 403,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  CONTENT_TYPE: 415,
  PROTOCOL_VERSION: 400,
  SESSION_MISSING: 400,
  SESSION_UNKNOWN: 404,
  SESSION_BEGUN: 400,
  STREAM_OPEN: 409,
  MESSAGE_TOO_LARGE: 413,
  BODY_TIMEOUT: 408,
  BODY_UNFINISHED: 400,
  ID_IN_USE: 400,
  TOO_MANY_PENDING: 503,
  TOO_MANY_SESSIONS: 503,
  TOO_MANY_PROCESSES: 503,
  TOO_MANY_BYTES: 503,
  UPSTREAM_UNKNOWN: 404,
  UPSTREAM_NOT_STARTED: 502,
  RELAY_CLOSED: 503,
};

/** A refusal on the level of HTTP; thrown while a request is examined, sent in one place. */
export class EndpointRefusal extends Error {
  override readonly name = 'EndpointRefusal';
  constructor(
    readonly code: EndpointCode,
    message: string,
    readonly id: RequestId | null = null,
  ) {
    super(message);
  }
}

export function sendRefusal(response: ServerResponse, { code, message, id }: EndpointRefusal): void {
  const status = STATUS[code];
  const rpcCode = status === 404 || status >= 500 || status === 403 ? REFUSED : INVALID_REQUEST;
  const headers: Record<string, string> = {};
  if (status === 503) headers['retry-after'] = '1';
  if (status === 405) headers.allow = 'GET, POST, DELETE';
  sendLine(response, status, errorLine(id, rpcCode, message, { code }), headers);
}

/** A body that is no message. */
export function sendMalformed(
  response: ServerResponse,
  code: string,
  reason: string,
  id: RequestId | undefined,
): void {
  const rpcCode = code.startsWith('JSON_') ? PARSE_ERROR : INVALID_REQUEST;
  sendLine(response, 400, errorLine(id ?? null, rpcCode, reason, { code }), {});
}

export function sendLine(
  response: ServerResponse,
  status: number,
  line: Uint8Array | string,
  headers: Readonly<Record<string, string>>,
): void {
  if (response.headersSent || response.destroyed) return;
  // What is left of the request's body is not read: the connection cannot serve another request.
  const { req } = response;
  const close = req.complete ? {} : { connection: 'close' };
  response.writeHead(status, { 'content-type': 'application/json', ...headers, ...close });
  response.end(line);
}

/** The same for a session that ended, one of another caller, and one that never was. */
export function unknownSession(): EndpointRefusal {
  return new EndpointRefusal('SESSION_UNKNOWN', 'expected a session of this caller; initialize a new one');
}
