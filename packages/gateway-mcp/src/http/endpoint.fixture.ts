// Test code only: the endpoint on a plain node:http server, and what stands on either side of it.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { UpstreamDefinition } from '../http-upstream/definition.ts';
import { ScriptedDecider } from '../relay.fixture.ts';
import { SERVER_EVERYTHING } from '../transparency.fixture.ts';
import { createMcpEndpoint } from './endpoint.ts';
import type { McpEndpointOptions } from './exchange.ts';

export interface MountedEndpoint {
  readonly url: (upstream: string) => string;
  readonly decider: ScriptedDecider;
  readonly events: { event: string; details: Readonly<Record<string, string | number>> }[];
  readonly eventNames: () => string[];
  readonly endpoint: ReturnType<typeof createMcpEndpoint<string>>;
  openConnections(): number;
  openStreams(): number;
  /** As when a proxy in between restarts. */
  breakConnections(): void;
  close(): Promise<void>;
}

/** The caller is whoever the header `x-caller` says: that the token is checked is the HTTP gateway's part. */
export async function mount(
  upstreams: Readonly<Record<string, UpstreamDefinition>>,
  options: Partial<McpEndpointOptions<string>> = {},
): Promise<MountedEndpoint> {
  const decider = new ScriptedDecider();
  const events: MountedEndpoint['events'] = [];
  let requests = 0;
  const endpoint = createMcpEndpoint<string>({
    upstreams: new Map(Object.entries(upstreams)),
    deciderFor: () => decider,
    events: { emit: (event, details) => events.push({ event, details }) },
    about: (caller) => ({ caller }),
    newRequestId: () => `${++requests}`,
    newSessionId: () => randomBytes(16).toString('hex'),
    secret: async (name) => `secret-of-${name}`,
    now: () => performance.now(),
    ...options,
    limits: { graceMs: 300, ...options.limits },
  });
  let underWay = 0;
  const server = createServer((request, response) => {
    const caller = String(request.headers['x-caller'] ?? 'anna');
    const { authorization } = request.headers;
    const upstream = new URL(request.url ?? '/', 'http://localhost').pathname.replace(/^\/mcp\//, '');
    underWay++;
    void endpoint
      .handle({ upstream, caller, callerKey: caller, authorization, request, response })
      .finally(() => underWay--);
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const port = await listen(server);
  return {
    openConnections: () => sockets.size,
    openStreams: () => underWay,
    breakConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
    url: (upstream) => `http://127.0.0.1:${port}/mcp/${upstream}`,
    decider,
    events,
    eventNames: () => events.map(({ event }) => event),
    endpoint,
    async close() {
      await endpoint.close();
      await closeServer(server);
    },
  };
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

export async function connectClient(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  setUp: (client: Client) => void = () => {},
): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
  const capabilities = { sampling: {}, elicitation: {}, roots: { listChanged: true } };
  const client = new Client({ name: 'test', version: '1' }, { capabilities });
  setUp(client);
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  await client.connect(transport as never);
  return { client, transport };
}

export function stdioEverything(prefix = ''): UpstreamDefinition {
  const [command, script = ''] = SERVER_EVERYTHING;
  return {
    kind: 'stdio',
    command,
    args: [script, 'stdio'],
    cwd: process.cwd(),
    env: { PATH: process.env.PATH },
    prefix,
  };
}

export function httpUpstream(url: string, more: Partial<UpstreamDefinition> = {}): UpstreamDefinition {
  return { kind: 'http', url, authorization: 'none', prefix: '', ...more } as UpstreamDefinition;
}

/** A real @modelcontextprotocol/server-everything over streamable HTTP. */
export async function startEverything(): Promise<{ url: string; stop: () => Promise<void> }> {
  const [command, script = ''] = SERVER_EVERYTHING;
  const probe = createServer();
  const port = await listen(probe);
  await closeServer(probe);
  const child: ChildProcess = spawn(command, [script, 'streamableHttp'], {
    env: { PATH: process.env.PATH, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('listening on port')) resolve();
    });
    child.once('exit', () => reject(new Error('server-everything did not start')));
  });
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
