// Test code only: an MCP server over streamable HTTP that misbehaves on demand, and raw requests to an endpoint.
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as sendRequest,
} from 'node:http';
import { closeServer, listen } from './endpoint.fixture.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const KEPT = new Agent({ keepAlive: true, maxSockets: 32 });

/** Raw: headers as given, the host too, and no client in between that would mend anything. */
export function post(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  method = 'POST',
  agent: Agent | false = false,
): Promise<Answer> {
  const text = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = sendRequest(
      url,
      {
        method,
        agent,
        headers: {
          accept: 'application/json, text/event-stream',
          ...(method === 'POST' && { 'content-type': 'application/json' }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, body: Buffer.concat(chunks).toString() });
        });
      },
    );
    request.on('error', reject);
    request.end(text);
  });
}

/** Begins a session and says its id. */
export async function initialize(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  protocolVersion = '2025-06-18',
): Promise<string> {
  const clientInfo = { name: 'test', version: '1' };
  const params = { protocolVersion, capabilities: {}, clientInfo };
  const message = { jsonrpc: '2.0', id: 0, method: 'initialize', params };
  const answer = await post(url, message, headers, 'POST', KEPT);
  const id = answer.headers['mcp-session-id'];
  if (typeof id !== 'string') throw new Error(`no session: ${answer.status} ${answer.body}`);
  const told = await post(
    url,
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { ...headers, 'mcp-session-id': id },
    'POST',
    KEPT,
  );
  if (told.status !== 202) throw new Error(`not taken: ${told.status} ${told.body}`);
  return id;
}

export type Behave = (
  message: { readonly id?: unknown; readonly method?: string; readonly params?: Record<string, unknown> },
  request: IncomingMessage,
  response: ServerResponse,
) => boolean;

export interface FakeServer {
  readonly url: string;
  /** tools/call requests that came. */
  readonly calls: number;
  /** Bodies of tools/call as received. */
  readonly bodies: string[];
  readonly requests: { method: string; headers: IncomingHttpHeaders; body: string }[];
  /** Calls are answered only after `release`. */
  hold(): void;
  release(): void;
  /** Calls are answered with notifications without end. */
  flood(): void;
  called(times: number): Promise<void>;
  ended(times: number): Promise<void>;
  close(): Promise<void>;
}

/** `behave` sees each message first; true where it has answered, or never will. */
export async function startFakeServer(behave: Behave = () => false): Promise<FakeServer> {
  let held: Promise<void> | undefined;
  let release = () => {};
  let floods = false;
  let deletes = 0;
  let sessions = 0;
  const bodies: string[] = [];
  const requests: FakeServer['requests'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      requests.push({ method: request.method ?? '', headers: request.headers, body });
      void answer(request, response, body);
    });
  });
  async function answer(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
    if (request.method === 'DELETE') deletes++;
    const message = body === '' ? {} : JSON.parse(body);
    if (behave(message, request, response)) return;
    if (request.method !== 'POST') return void response.writeHead(request.method === 'GET' ? 405 : 200).end();
    if (message.method === 'tools/call') bodies.push(body);
    if (message.id === undefined || message.method === undefined) return void response.writeHead(202).end();
    if (message.method === 'initialize') {
      const { protocolVersion } = message.params;
      const result = {
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'f', version: '1' },
      };
      response.setHeader('mcp-session-id', `upstream-${++sessions}`);
      return sendEvents(response, { jsonrpc: '2.0', id: message.id, result });
    }
    if (floods) return flood(response);
    await held;
    sendEvents(response, { jsonrpc: '2.0', id: message.id, result: { content: [] } });
  }
  const url = `http://127.0.0.1:${await listen(server)}/mcp`;
  return {
    url,
    bodies,
    requests,
    get calls() {
      return bodies.length;
    },
    hold() {
      held = new Promise((resolve) => {
        release = resolve;
      });
    },
    release: () => release(),
    flood() {
      floods = true;
    },
    called: (times) => until(() => bodies.length >= times),
    ended: (times) => until(() => deletes >= times),
    close: () => closeServer(server),
  };
}

export function sendEvents(response: ServerResponse, ...messages: unknown[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(messages.map((message) => `data: ${JSON.stringify(message)}\n\n`).join(''));
}

function flood(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const params = { level: 'info', data: 'x'.repeat(10_000) };
  const event = `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params })}\n\n`;
  const more = () => {
    while (!response.destroyed) if (!response.write(event)) return void response.once('drain', more);
  };
  more();
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
