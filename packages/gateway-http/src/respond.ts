import type { IncomingMessage } from 'node:http';
import { type JsonValue, stringifyJson } from '@provability-fabric/kernel';
import type { FastifyReply } from 'fastify';
import type { Problem } from './problem.ts';

export interface Answer {
  readonly status: number;
  readonly body: JsonValue;
}

/** How an answer leaves: which request it belongs to, and whether the connection ends with it. */
export interface Manner {
  readonly requestId: string;
  readonly last: boolean;
  /** Bytes of an unread body that are still taken, so that the client gets to read its answer. */
  readonly discardBytes: number;
}

export function sendAnswer(reply: FastifyReply, answer: Answer, manner: Manner): FastifyReply {
  return send(reply, answer.status, 'application/json', stringifyJson(answer.body), manner);
}

export function sendProblem(reply: FastifyReply, problem: Problem, manner: Manner): FastifyReply {
  reply.headers({ ...problem.headers });
  return send(reply, problem.status, 'application/problem+json', stringifyJson(problem.document), manner);
}

export function sendText(reply: FastifyReply, type: string, text: string, manner: Manner): FastifyReply {
  return send(reply, 200, type, text, manner);
}

function send(reply: FastifyReply, status: number, type: string, text: string, manner: Manner): FastifyReply {
  reply.headers({
    'content-type': type,
    'x-request-id': manner.requestId,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  // The framework closes the connection on a body it refuses; a reset would cost the client its answer.
  if (manner.last) reply.header('connection', 'close');
  else if (reply.getHeader('connection') === 'close') reply.removeHeader('connection');
  discardBody(reply.request.raw, manner.discardBytes);
  // As bytes: a string would get a charset appended, which JSON does not have.
  return reply.code(status).send(Buffer.from(text));
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
