// A process of its own: the least that a relay with durable evidence can be. It parses each call, signs as many bytes as a
// certificate has and makes them durable, passes the call on, does the same for the answer, and decides nothing.
// Arguments: the server's URL and a folder. Prints its own URL.
import { generateKeyPairSync, sign } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const [url = '', folder = ''] = process.argv.slice(2);
/** Of what the fabric appends for a call and for its outcome, as read off its journal. */
const BYTES = { call: 4400, outcome: 2500 };

const { privateKey } = generateKeyPairSync('ed25519');
const file = await open(join(folder, 'evidence'), 'w');
const agent = new Agent({ keepAlive: true, maxSockets: 1024 });
const padding = Buffer.alloc(BYTES.call);
let end = 0;

/** Group commit: what comes while one write is on its way to the disk goes with the next. */
let waiting: { readonly bytes: Buffer; readonly done: () => void }[] = [];
let writing = false;

function keep(body: string, length: number): Promise<void> {
  const signature = sign(null, Buffer.from(body), privateKey);
  const bytes = Buffer.concat([signature, padding], length);
  return new Promise((done) => {
    waiting.push({ bytes, done });
    if (!writing) void write();
  });
}

async function write(): Promise<void> {
  writing = true;
  while (waiting.length > 0) {
    const group = waiting;
    waiting = [];
    const bytes = Buffer.concat(group.map((entry) => entry.bytes));
    await file.write(bytes, 0, bytes.length, end);
    await file.datasync();
    end += bytes.length;
    for (const { done } of group) done();
  }
  writing = false;
}

const http = createServer(async (incoming, outgoing) => {
  const body = await textOf(incoming);
  const isCall = JSON.parse(body).method === 'tools/call';
  if (isCall) await keep(body, BYTES.call);
  const headers = { ...incoming.headers, 'content-length': Buffer.byteLength(body) };
  const onwards = request(url, { method: incoming.method ?? 'POST', agent, headers });
  onwards.on('response', (answer) => void answerWith(answer, outgoing, isCall));
  onwards.end(body);
});

async function answerWith(answer: IncomingMessage, outgoing: ServerResponse, isCall: boolean): Promise<void> {
  const text = await textOf(answer);
  if (isCall) await keep(text, BYTES.outcome);
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(text);
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message) text += chunk;
  return text;
}

http.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`);
});
