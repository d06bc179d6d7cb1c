// Test code only: a small MCP server over streamable HTTP that remembers what it was sent, built with the SDK alone.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

export interface NotesServer {
  readonly url: string;
  /** The names of the tools that were called. */
  readonly called: readonly string[];
  /** Every `Authorization` that came; `none` where none did. */
  readonly authorizations: ReadonlySet<string>;
  readonly headers: () => string;
  close(): Promise<void>;
}

export async function startNotesServer(tools: readonly string[]): Promise<NotesServer> {
  const called: string[] = [];
  const authorizations = new Set<string>();
  const seen: string[] = [];

  function server(): Server {
    const offered = new Server({ name: 'notes', version: '1' }, { capabilities: { tools: {} } });
    offered.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: tools.map((name) => ({ name, inputSchema: { type: 'object' as const } })),
    }));
    offered.setRequestHandler(CallToolRequestSchema, ({ params }) => {
      called.push(params.name);
      return { content: [{ type: 'text', text: `${params.name} done` }] };
    });
    return offered;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    authorizations.add(request.headers.authorization ?? 'none');
    seen.push(JSON.stringify(request.rawHeaders));
    // Stateless: every request is a session of its own.
    const transport = new StreamableHTTPServerTransport();
    await server().connect(transport as never);
    await transport.handleRequest(request, response);
  }

  const http = createServer((request, response) => {
    void serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    called,
    authorizations,
    headers: () => seen.join('\n'),
    async close() {
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
    },
  };
}
