import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CommandError } from '@provability-fabric/command-line';
import { type JsonValue, parseJson } from '@provability-fabric/kernel';

const PATIENCE_MS = 30_000;
const MAX_PAGES = 100;

/** Starts a stdio MCP server, asks it for all of its tools, and ends it. No shell sees the command. */
export async function askServer(typed: string, directory: string): Promise<JsonValue> {
  const [command, ...args] = typed.split(/\s+/).filter((part) => part !== '');
  if (command === undefined) {
    throw new CommandError('INPUT_INVALID', 'expected the command of an MCP server after --mcp, came none');
  }
  const transport = new StdioClientTransport({ command, args, cwd: directory, stderr: 'ignore' });
  const client = new Client({ name: 'pfctl', version: '0.1.0' });
  try {
    await client.connect(transport, { timeout: PATIENCE_MS });
    const tools: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const answer = await client.listTools(cursor === undefined ? {} : { cursor }, { timeout: PATIENCE_MS });
      tools.push(...answer.tools);
      cursor = answer.nextCursor;
      if (cursor === undefined) break;
    }
    return parseJson(JSON.stringify(tools));
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError('CANNOT_CHECK', `expected an MCP server from \`${command}\`: ${problem}`, {
      cause,
    });
  } finally {
    await client.close();
  }
}
