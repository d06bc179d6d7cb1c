// An MCP server over stdio that writes down what it did before it answers, and takes a moment for each call.
//
//   node slow-upstream.mjs RECORD PID
import { appendFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [record = '', pid = ''] = process.argv.slice(2);
writeFileSync(pid, `${process.pid}\n`);
const say = (id, result) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined) return;
    if (method === 'initialize') {
      const serverInfo = { name: 'slow', version: '1' };
      return say(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo });
    }
    if (method === 'tools/list')
      return say(id, {
        tools: ['act', 'post'].map((name) => ({ name, inputSchema: { type: 'object' } })),
      });
    if (method !== 'tools/call') return say(id, {});
    appendFileSync(record, `${JSON.stringify({ tool: params.name, number: params.arguments.number })}\n`);
    setTimeout(() => say(id, { content: [{ type: 'text', text: 'done' }] }), 3 + (id % 10));
  })
  .on('close', () => process.exit(0));
