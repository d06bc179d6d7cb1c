import type { ServerResponse } from 'node:http';
import { field } from '@provability-fabric/kernel';
import { idKey, type Message, type Request, readMessage } from '../message.ts';
import { oneLine } from '../one-line.ts';
import type { RelayEvents } from '../ports.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { McpExchange } from './exchange.ts';
import { EndpointRefusal, sendMalformed, unknownSession } from './http-answer.ts';
import type { McpLimits } from './limits.ts';
import { type HeldBody, readRequestBody } from './request-body.ts';
import {
  checkAccepts,
  checkContentType,
  PRIMED_FROM,
  protocolVersion,
  sessionIdOf,
} from './request-checks.ts';
import type { McpSession } from './session.ts';

export interface Posting<Caller> {
  readonly limits: McpLimits;
  readonly budget: ByteBudget;
  readonly eventsOf: (caller: Caller) => RelayEvents;
  /** The caller's session that the request names; throws where there is none. */
  session(exchange: McpExchange<Caller>): McpSession<Caller>;
  begin(exchange: McpExchange<Caller>): McpSession<Caller>;
  passesTokens(upstream: string): boolean;
}

const HEAD_DELAY_MS = 20;
/** An upstream that checks the caller's own token says so in its status: the head waits for that. */
const HEAD_DELAY_PASSED_MS = 2_000;

/** One message of the client: read whole, understood, and given to its session as the bytes that will be decided. */
export async function postMessage<Caller>(
  exchange: McpExchange<Caller>,
  posting: Posting<Caller>,
): Promise<void> {
  const { request, response } = exchange;
  checkAccepts(request, 'application/json', 'text/event-stream');
  checkContentType(request);
  const version = protocolVersion(request);
  const named = sessionIdOf(request) === undefined ? undefined : posting.session(exchange);
  const body = await readRequestBody(request, posting.limits, posting.budget);
  let isHeld = false;
  try {
    const line = oneLine(body.bytes);
    const message = readMessage(line);
    if (message.kind === 'malformed' || message.kind === 'blank') {
      const { code, reason, id } = message.kind === 'blank' ? NO_MESSAGE : message;
      posting.eventsOf(exchange.caller).emit('mcp.client-line-refused', { code });
      return sendMalformed(response, code, reason, id);
    }
    const isInitialize = message.kind === 'request' && message.method === 'initialize';
    if (isInitialize && named !== undefined) {
      throw new EndpointRefusal('SESSION_BEGUN', 'expected no Mcp-Session-Id to initialize', message.id);
    }
    if (!isInitialize && named === undefined) {
      throw new EndpointRefusal('SESSION_MISSING', 'expected the Mcp-Session-Id that initialize gave');
    }
    const session = named ?? posting.begin(exchange);
    if (message.kind !== 'request') return await take(session, line, message, response);
    checkRoom(session, message, posting.limits);
    isHeld = true;
    await ask(session, { line, message, body, version }, exchange, posting);
  } finally {
    if (!isHeld) body.release();
  }
}

/** A notification or an answer: taken, and nothing more to say. */
async function take<Caller>(
  session: McpSession<Caller>,
  line: Buffer,
  message: Message,
  response: ServerResponse,
): Promise<void> {
  if (!(await session.channel.source.put({ kind: 'line', bytes: line, message }))) throw unknownSession();
  if (message.kind === 'notification' && message.method === 'notifications/cancelled') {
    session.channel.cancel(idKey(field(message.params, 'requestId')));
  }
  response.writeHead(202).end();
}

function checkRoom<Caller>(
  { channel }: McpSession<Caller>,
  { id, key }: Request,
  { maxPending }: McpLimits,
): void {
  if (channel.isWaitedFor(key)) {
    throw new EndpointRefusal('ID_IN_USE', 'expected a new request id, got one in use');
  }
  if (channel.openRequests < maxPending) return;
  const text = `expected at most ${maxPending} requests under way; wait for some to be answered`;
  throw new EndpointRefusal('TOO_MANY_PENDING', text, id);
}

interface Posted {
  readonly line: Buffer;
  readonly message: Request;
  /** Held until the request is answered. */
  readonly body: HeldBody;
  readonly version: string;
}

async function ask<Caller>(
  session: McpSession<Caller>,
  { line, message, body, version }: Posted,
  { response, authorization, upstream }: McpExchange<Caller>,
  { limits, passesTokens }: Posting<Caller>,
): Promise<void> {
  const { id, key, params } = message;
  const isInitialize = message.method === 'initialize';
  const spoken = isInitialize ? field(params, 'protocolVersion') : version;
  let hasBegun = !isInitialize;
  session.remember(key, authorization);
  const posted = session.channel.expect(
    key,
    {
      id,
      response,
      sessionId: isInitialize ? undefined : session.id,
      primed: typeof spoken === 'string' && spoken >= PRIMED_FROM,
      // The session's id is in the head, and is only given with the answer to initialize.
      headDelayMs: isInitialize
        ? 2 * limits.upstreamTimeoutMs
        : passesTokens(upstream)
          ? HEAD_DELAY_PASSED_MS
          : HEAD_DELAY_MS,
      ...(isInitialize && {
        onAnswer: (answer: Uint8Array | string) => {
          const read = readMessage(Buffer.from(answer));
          hasBegun = read.kind === 'response' && read.body.ok;
          return hasBegun ? session.id : undefined;
        },
      }),
    },
    () => {
      body.release();
      session.forget(key);
      if (!hasBegun) void session.end();
    },
  );
  // Nobody else knows its id: a client that left before it learnt it cannot come back.
  if (isInitialize) response.once('close', () => !hasBegun && void session.end());
  if (!(await session.channel.source.put({ kind: 'line', bytes: line, message }))) {
    posted.refuse(unknownSession());
  }
}

const NO_MESSAGE = {
  code: 'NOT_A_MESSAGE',
  reason: 'expected a JSON-RPC message, got nothing',
  id: undefined,
};
