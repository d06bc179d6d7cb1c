import { PassThrough } from 'node:stream';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { type Decider, type Relay, spawnUpstream, startRelay } from '@provability-fabric/gateway-mcp';
import { upstreamEnvironment } from '../config.ts';
import { newRequestId } from '../wire.ts';

export interface AgentLink {
  readonly client: Client;
  close(): Promise<void>;
}

/** A real MCP client, the relay, and a real MCP server as a child process; the same relay as in `pf run`. */
export async function linkAgent(
  decider: Decider,
  script: string,
  args: readonly string[],
): Promise<AgentLink> {
  const toRelay = new PassThrough();
  const toClient = new PassThrough();
  const silent = new PassThrough();
  silent.resume();
  const upstream = await spawnUpstream(process.execPath, [script, ...args], {
    cwd: process.cwd(),
    env: upstreamEnvironment(),
    stderr: silent,
  });
  const relay: Relay = startRelay({
    client: { input: toRelay, output: toClient },
    upstream,
    decider,
    events: { emit: () => undefined },
    newRequestId,
  });
  const client = new Client({ name: 'scripted-agent', version: '0.1.0' });
  // The SDK's line transport does not care which side it is on.
  await client.connect(new StdioServerTransport(toClient, toRelay));
  return {
    client,
    async close() {
      await client.close();
      await relay.close();
    },
  };
}

/** The same client and server with nothing between them. */
export async function linkDirectly(script: string, args: readonly string[]): Promise<AgentLink> {
  const client = new Client({ name: 'scripted-agent', version: '0.1.0' });
  const env = upstreamEnvironment() as Record<string, string>;
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [script, ...args], env, stderr: 'ignore' }),
  );
  return { client, close: () => client.close() };
}
