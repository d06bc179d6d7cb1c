import type { Readable, Writable } from 'node:stream';
import { createGovernorMcp } from './governor-mcp.ts';
import type { DeskClient, GovernorMcpOptions } from './ports.ts';
import { BoundedStdioTransport } from './stdio-transport.ts';

export interface StdioStreams {
  readonly input: Readable;
  /** Nothing else may write to it. */
  readonly output: Writable;
}

/** Serves the one client of a process; resolves when it has ended its side and everything is answered. */
export async function serveGovernorOverStdio(
  options: GovernorMcpOptions,
  client: DeskClient,
  { input, output }: StdioStreams,
): Promise<void> {
  const server = createGovernorMcp(options, client);
  const transport = new BoundedStdioTransport(input, output);
  await server.connect(transport);
  await transport.ended();
  await server.close();
}
