import type { IncomingMessage, ServerResponse } from 'node:http';
import { type JsonValue, stringifyJson } from '@provability-fabric/kernel';
import type { FastifyReply } from 'fastify';
import type { Problem } from './problem.ts';

interface AnswerHead {
  readonly status: number;
  /** Values that we wrote ourselves. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a route answers with: JSON, or bytes of another type. */
export type Answer =
  | (AnswerHead & { readonly body: JsonValue })
  | (AnswerHead & { readonly bytes: Uint8Array; readonly type: string });

/** How an answer leaves: which request it belongs to, and whether the connection ends with it. */
export interface Manner {
  readonly requestId: string;
  readonly last: boolean;
  /** Bytes of an unread body that are still taken, so that the client gets to read its answer. */
  readonly discardBytes: number;
}

export function sendAnswer(reply: FastifyReply, answer: Answer, manner: Manner): FastifyReply {
  return 'body' in answer
    ? send(reply, answer, 'application/json', bytesOf(answer.body), manner)
    : send(reply, answer, answer.type, answer.bytes, manner);
}

export function sendProblem(reply: FastifyReply, problem: Problem, manner: Manner): FastifyReply {
  return send(reply, problem, 'application/problem+json', bytesOf(problem.document), manner);
}

/** The headers of a problem that is answered past the framework. */
export function problemHeaders(problem: Problem, body: string): Record<string, string> {
  return {
    ...problem.headers,
    connection: 'close',
    'content-type': 'application/problem+json',
    'content-length': `${Buffer.byteLength(body)}`,
  };
}

/** Answers a request that the framework has let go of; one whose answer has begun can only be broken off. */
export function answerRaw(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  if (response.headersSent || response.destroyed) {
    request.destroy();
    return;
  }
  const body = stringifyJson(problem.document);
  response.writeHead(problem.status, problemHeaders(problem, body)).end(body);
}

function bytesOf(body: JsonValue): Uint8Array {
  return Buffer.from(stringifyJson(body));
}

function send(
  reply: FastifyReply,
  head: AnswerHead,
  type: string,
  bytes: Uint8Array,
  manner: Manner,
): FastifyReply {
  reply.header('content-type', type);
  reply.header('x-request-id', manner.requestId);
  reply.header('cache-control', 'no-store');
  reply.header('x-content-type-options', 'nosniff');
  if (head.headers !== undefined) reply.headers({ ...head.headers });
  // The framework closes the connection on a body it refuses; a reset would cost the client its answer.
  if (manner.last) reply.header('connection', 'close');
  else if (reply.getHeader('connection') === 'close') reply.removeHeader('connection');
  discardBody(reply.request.raw, manner.discardBytes);
  // As bytes: a string would get a charset appended, which JSON does not have.
  return reply.code(head.status).send(bytes);
}

/**
 * Reads on past an answer that was given before its request had ended. Closing at once would reset the
 * connection with the answer unread; reading without end would serve an attacker. The request's time limit
 * goes on too.
 */
function discardBody(request: IncomingMessage, limit: number): void {
  if (request.complete) return;
  let taken = 0;
  request.on('data', (chunk: Buffer) => {
    taken += chunk.length;
    if (taken > limit) request.destroy();
  });
  // The client going away in the middle is its own affair.
  request.on('error', () => undefined);
}
