import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { say } from '../quickstart/narration.ts';
import type { Answer, Hands } from './agent.ts';

const SHOWN = 60;

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
          ? shown(answer.text)
          : `REFUSED  ${refusal.code} (${refusal.clause ?? 'always'})`;
      say(`  ${tool.padEnd(15)} ${shown(given).padEnd(SHOWN + 1)} → ${came}`);
      return answer;
    },
  };
}

function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= SHOWN ? line : `${line.slice(0, SHOWN)}…`;
}
