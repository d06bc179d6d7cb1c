// A small MCP server with one tool: it sends a mail by SMTP to the host and port given as arguments.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { createTransport } from 'nodemailer';
import { z } from 'zod';

const [host = '127.0.0.1', port = '25'] = process.argv.slice(2);
const smtp = createTransport({
  host,
  port: Number(port),
  secure: false,
  ignoreTLS: true,
  connectionTimeout: 5000,
});

const server = new McpServer({ name: 'mail-tool', version: '0.1.0' });
server.registerTool(
  'send_mail',
  {
    description: 'Sends a plain text mail',
    inputSchema: { to: z.email(), subject: z.string().max(200), body: z.string().max(100_000) },
  },
  async ({ to, subject, body }) => {
    const { messageId } = await smtp.sendMail({ from: 'desk@acme.example', to, subject, text: body });
    return { content: [{ type: 'text', text: `sent to ${to} as ${messageId}` }] };
  },
);
await server.connect(new StdioServerTransport());
