import type { IncomingMessage, ServerResponse } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { JsonError, type JsonValue, parseJsonBytes } from '@provability-fabric/kernel';
import { ByteBudget } from '../http/byte-budget.ts';
import { EndpointRefusal, sendMalformed, sendRefusal } from '../http/http-answer.ts';
import { readRequestBody } from '../http/request-body.ts';
import { checkContentType, checkOrigin, type HostRules } from '../http/request-checks.ts';
import { createGovernorMcp } from './governor-mcp.ts';
import { BODY_TIMEOUT_MS, MOST_BODY_BYTES, MOST_MESSAGE_BYTES } from './limits.ts';
import type { DeskClient, GovernorMcpOptions } from './ports.ts';

export interface GovernorMcpRouteOptions extends GovernorMcpOptions, HostRules {}

/** One request of a client whose token was checked, its body not read. Resolves when the response has ended; never rejects. */
export type GovernorMcpRoute = (
  client: DeskClient,
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<void>;

const BODY = { maxClientLineBytes: MOST_MESSAGE_BYTES, bodyTimeoutMs: BODY_TIMEOUT_MS };

/**
 * Streamable HTTP without sessions: every request stands for itself and is answered as JSON, by whichever replica it reaches, so
 * there is nothing of one client for another to take over.
 */
export function governorMcpRoute(options: GovernorMcpRouteOptions): GovernorMcpRoute {
  const budget = new ByteBudget(MOST_BODY_BYTES);

  async function answer(
    client: DeskClient,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    checkOrigin(request, options);
    if (request.method !== 'POST') return notAllowed(response);
    checkContentType(request);
    const body = await readRequestBody(request, BODY, budget);
    try {
      const message = readMessage(body.bytes, response);
      if (message !== undefined) await exchange(client, message, request, response);
    } finally {
      body.release();
    }
  }

  async function exchange(
    client: DeskClient,
    message: JsonValue,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const server = createGovernorMcp(options, client);
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    // The SDK's class and its own interface differ under exactOptionalPropertyTypes.
    await server.connect(transport as Parameters<typeof server.connect>[0]);
    const ended = new Promise<void>((resolve) => {
      response.once('close', resolve);
      if (response.closed) resolve();
    });
    try {
      await transport.handleRequest(request, response, message);
      await ended;
    } finally {
      await server.close();
    }
  }

  return async (client, request, response) => {
    response.on('error', () => undefined); // the client has gone
    try {
      await answer(client, request, response);
    } catch (error) {
      if (!(error instanceof EndpointRefusal)) options.failed(error);
      sendRefusal(
        response,
        error instanceof EndpointRefusal
          ? error
          : new EndpointRefusal('RELAY_CLOSED', 'expected to handle this request; see the log'),
      );
    }
  };
}

/** Undefined where it is none, which was answered then. */
function readMessage(bytes: Buffer, response: ServerResponse): JsonValue | undefined {
  try {
    const message = parseJsonBytes(bytes);
    if (!Array.isArray(message)) return message;
    sendMalformed(response, 'BATCH', 'expected one message, got a batch', undefined);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    sendMalformed(response, error.code, error.message, undefined);
  }
  return undefined;
}

/** A client that would listen for messages, or end a session, learns that there are none. */
function notAllowed(response: ServerResponse): void {
  response.writeHead(405, { allow: 'POST', 'content-length': '0' }).end();
}
