// Test code only, run as a program of its own: a small MCP server that writes down every byte it is sent before it does
// anything else, and behaves as badly as a word in the request tells it to.
//
//   node recording-upstream.mjs RECORD TOOL…
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [record = '', ...tools] = process.argv.slice(2);
/** The id as it came: it may be beyond what JSON.parse can hold. */
const say = (id: string, result: string) =>
  process.stdout.write(`{"jsonrpc":"2.0","id":${id},"result":${result}}\n`);

createInterface({ input: process.stdin })
  .on('line', (line) => {
    appendFileSync(record, `${line}\n`);
    const { method } = JSON.parse(line);
    const id = /"id":\s*("[^"]*"|\d+)/.exec(line)?.[1];
    if (id === undefined || line.includes('@hang')) return;
    if (line.includes('@die')) process.exit(7);
    if (line.includes('@flood')) return flood();
    if (line.includes('@babble')) return babble(id);
    switch (method) {
      case 'initialize':
        return say(
          id,
          '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"recorder","version":"1"}}',
        );
      case 'tools/list':
        return say(
          id,
          JSON.stringify({ tools: tools.map((name) => ({ name, inputSchema: { type: 'object' } })) }),
        );
      case 'tools/call':
        return say(
          id,
          `{"content":[],"structuredContent":${/"arguments":(.*)\}\}$/.exec(line)?.[1] ?? '{}'}}`,
        );
      default:
        return say(id, '{}');
    }
  })
  .on('close', () => process.exit(0));

/** Bytes without an end and without a line feed. */
function flood(): void {
  const chunk = 'x'.repeat(1024 * 1024);
  const more = () => {
    while (process.stdout.write(chunk));
    process.stdout.once('drain', more);
  };
  process.stdout.on('error', () => process.exit(1));
  more();
}

/** A lot that is no answer, and then the answer. */
function babble(id: string): void {
  for (let i = 0; i < 20_000; i++) process.stdout.write(`starting up, step ${i} ${'.'.repeat(100)}\n`);
  for (let i = 0; i < 5_000; i++) say(`"guess-${i}"`, '{"content":[{"type":"text","text":"not asked for"}]}');
  say(id, '{"content":[]}');
}
