import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import type { DeskClient, GovernorMcpOptions } from './ports.ts';
import { refusalFor, toolRefusal } from './tool-answer.ts';
import { DESK_TOOLS, forbidden } from './tools.ts';

const INSTRUCTIONS =
  'Changes of this code land through a governor. Look at `status` first, try a change with check_change {"manifest": …}, put it ' +
  'forward with propose_change, and ask for it with check_change {"hash": …}. A person signs it, or the policy decides; you ' +
  'cannot apply it yourself.';

/** The governor as a client sees it over one connection: what its role may do, and nothing that applies a change. */
export function createGovernorMcp(options: GovernorMcpOptions, client: DeskClient): Server {
  const { desk, name, version, failed } = options;
  const server = new Server({ name, version }, { capabilities: { tools: {} }, instructions: INSTRUCTIONS });
  const tools = DESK_TOOLS.filter(({ needs }) => client.may(needs));

  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: tools.map(({ definition }) => definition),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const known = DESK_TOOLS.find(({ definition }) => definition.name === params.name);
    if (known === undefined) {
      const names = DESK_TOOLS.map(({ definition }) => `\`${definition.name}\``).join(', ');
      throw new McpError(ErrorCode.InvalidParams, `expected one of ${names}`);
    }
    if (!tools.includes(known)) return forbidden(`use \`${known.definition.name}\``);
    try {
      return await known.call(desk, client, params.arguments ?? {});
    } catch (error) {
      const refusal = refusalFor(error);
      if (refusal !== undefined) return refusal;
      failed(error);
      return toolRefusal('INTERNAL', 'the governor could not do this; whoever runs it finds why in its log');
    }
  });
  return server;
}
