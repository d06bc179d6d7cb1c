import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { say } from '../quickstart/narration.ts';
import type { Answer, Hands } from './agent.ts';

const SHOWN = 60;
/** So that an address with a handle, and what stands before it, is seen whole. */
const SHOWN_GIVEN = 68;

/** What an agent does through real MCP clients, told line by line. */
export function handsOf({ files, mail }: { readonly files: Client; readonly mail: Client }): Hands {
  return {
    async call(tool, args) {
      const client = tool === 'send_mail' ? mail : files;
      const result = await client.callTool({ name: tool, arguments: args });
      const refusal = result._meta?.['provability-fabric/refusal'] as Record<string, string> | undefined;
      const [block] = result.content as readonly { readonly text?: string }[];
      const answer: Answer = { text: block?.text ?? '', refused: refusal?.code };
      const given =
        tool === 'send_mail' ? `${args.to} ${args.body}` : (args.path ?? `${args.handle} ${args.pointer}`);
      const came =
        refusal === undefined
          ? shown(answer.text, SHOWN)
          : `REFUSED  ${refusal.code} (${refusal.clause === undefined ? 'in every mode' : `clause ${refusal.clause}`})`;
      say(`  ${tool.padEnd(15)} ${shown(given, SHOWN_GIVEN).padEnd(SHOWN_GIVEN + 1)} → ${came}`);
      return answer;
    },
  };
}

function shown(text: string, most: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= most ? line : `${line.slice(0, most)}…`;
}
