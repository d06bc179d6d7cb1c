import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { SERVER_EVERYTHING } from '@provability-fabric/gateway-mcp/transparency';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms, ROOT } from './built-programs.fixture.ts';
import { storyIn, verify } from './evidence-in.fixture.ts';
import { Deployment, type Services } from './fabric-services.fixture.ts';
import { token } from './http-client.fixture.ts';
import { type NotesServer, startNotesServer } from './notes-server.fixture.ts';
import { type Json, temporaryFolder } from './pf-process.fixture.ts';

const BUNDLE = `
name: desk
version: 1
owner: relay-tests@fabric.example
tenants: [acme]
tools:
  echo: { effect: read, returns: { level: public, integrity: untrusted } }
  get-sum: { effect: read, returns: { level: public, integrity: untrusted } }
  notes.append: { effect: read, returns: { level: public, integrity: untrusted } }
  # Listed, and forbidden to everybody.
  notes.erase: { effect: admin, returns: { level: public, integrity: untrusted } }
clauses:
  - id: one-sum
    kind: limit
    on: { tools: [get-sum] }
    max: 1
    description: one sum a session
`;
const POLICY = `@id("support-reads")
permit (principal in Role::"support", action == Action::"call", resource in Effect::"read");
@id("no-erasing")
forbid (principal, action == Action::"call", resource == Tool::"notes.erase");
`;

let notes: NotesServer;
let deployment: Deployment;
let services: Services;
let sidecar: string;
let bearer: string;

beforeAll(async () => {
  await buildPrograms();
  notes = await startNotesServer(['append', 'erase', 'unheard-of']);
  const bundle = join(temporaryFolder(), 'desk');
  mkdirSync(bundle);
  cpSync(join(ROOT, 'bundles/everything/schema.cedarschema'), join(bundle, 'schema.cedarschema'));
  writeFileSync(join(bundle, 'bundle.yaml'), BUNDLE);
  writeFileSync(join(bundle, 'policy.cedar'), POLICY);
  const [command, ...args] = SERVER_EVERYTHING;
  const upstreams = `
everything: { command: ${command}, args: ${JSON.stringify(args)} }
notes: { url: '${notes.url}', authorization: pass, prefix: notes. }
`;
  deployment = new Deployment({ bundle, upstreams });
  services = deployment.serve();
  sidecar = await services.url('sidecar-watcher');
  bearer = await token(deployment.data);
});
afterAll(async () => {
  await services.stop();
  await notes.close();
});

type Headers = Readonly<Record<string, string>>;

async function connect(upstream: string, headers: Headers = { authorization: `Bearer ${bearer}` }) {
  const client = new Client({ name: 'test', version: '1' });
  const url = new URL(`${sidecar}/mcp/${upstream}`);
  const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers } });
  await client.connect(transport as never);
  const session = transport.sessionId as string;
  return { client, session, names: async () => (await client.listTools()).tools.map(({ name }) => name) };
}

/** One message by hand, as no honest client would send it. */
async function send(upstream: string, message: Json, headers: Headers) {
  const response = await fetch(`${sidecar}/mcp/${upstream}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
  });
  return { status: response.status, text: await response.text() };
}

const ECHO = { method: 'tools/call', params: { name: 'echo', arguments: { message: 'stolen' } } };

const textOf = (result: unknown) =>
  (result as { content: readonly { text?: string }[] }).content.map(({ text }) => text).join('\n');

describe.sequential('/mcp of pf serve', () => {
  it('lets nobody in without a token of its own, and into a session of another nobody at all', async () => {
    const { client, session } = await connect('everything');
    const version = { 'mcp-protocol-version': '2025-11-25' };
    const mine = { ...version, 'mcp-session-id': session };
    expect(await send('everything', ECHO, mine)).toMatchObject({ status: 401 });
    const past = await token(deployment.data, {}, { now: Date.now() - 7_200_000 });
    for (const wrong of ['nonsense', past, await token(deployment.data, { aud: 'ledger' })])
      expect(await send('everything', ECHO, { ...mine, authorization: `Bearer ${wrong}` })).toMatchObject({
        status: 401,
      });
    const others = [
      { sub: 'agent-2' },
      { tenant: 'globex', org: 'globex' },
      { sid: 's2' },
      { roles: ['support', 'operator'] },
      { caps: ['call:echo'] },
    ];
    for (const claims of others) {
      const other = await token(deployment.data, claims);
      expect(await send('everything', ECHO, { ...mine, authorization: `Bearer ${other}` })).toMatchObject({
        status: 404,
        text: expect.stringContaining('SESSION_UNKNOWN'),
      });
    }
    const elsewhere = { ...mine, authorization: `Bearer ${bearer}` };
    expect(await send('notes', ECHO, elsewhere)).toMatchObject({ status: 404 });
    expect(await send('nowhere', ECHO, elsewhere)).toMatchObject({ status: 404 });
    // A renewed token of the same rights goes on.
    const renewed = await token(deployment.data);
    expect(await send('everything', ECHO, { ...mine, authorization: `Bearer ${renewed}` })).toMatchObject({
      status: 200,
      text: expect.stringContaining('Echo: stolen'),
    });
    await client.close();
  });

  it('hides what the agent may never call, decides what it may, and says why where it refuses', async () => {
    const { client, names } = await connect('everything');
    expect((await names()).sort()).toEqual(['echo', 'get-sum']);
    const echoed = await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
    expect(textOf(echoed)).toBe('Echo: hello');
    const sum = { name: 'get-sum', arguments: { a: 2, b: 3 } };
    expect(textOf(await client.callTool(sum))).toContain('5');

    const again = await client.callTool(sum);
    expect(again).toMatchObject({
      isError: true,
      _meta: { 'provability-fabric/refusal': { code: 'LIMIT_EXCEEDED', clause: 'one-sum', effect: 'block' } },
    });
    expect(textOf(again)).toContain('refused by policy: LIMIT_EXCEEDED (clause one-sum)');
    const hidden = await client.callTool({ name: 'get-env', arguments: {} });
    expect(hidden).toMatchObject({ isError: true });
    expect(textOf(hidden)).toContain('NOT_PERMITTED');
    await client.close();
  });

  it('joins the servers at /mcp/all under one session, each behind its prefix', async () => {
    const { client, names } = await connect('all');
    expect((await names()).sort()).toEqual(['echo', 'get-sum', 'notes.append']);
    expect(textOf(await client.callTool({ name: 'echo', arguments: { message: 'both' } }))).toBe(
      'Echo: both',
    );
    expect(textOf(await client.callTool({ name: 'notes.append', arguments: {} }))).toBe('append done');
    // What was used up at one server is used up here: it is one session of the policy.
    const sum = await client.callTool({ name: 'get-sum', arguments: { a: 1, b: 1 } });
    expect(textOf(sum)).toContain('LIMIT_EXCEEDED');
    const erased = await client.callTool({ name: 'notes.erase', arguments: {} });
    expect(textOf(erased)).toContain('FORBIDDEN (clause no-erasing)');
    const unlisted = await client.callTool({ name: 'notes.unheard-of', arguments: {} });
    expect(textOf(unlisted)).toContain('NOT_PERMITTED');
    expect(notes.called).toEqual(['append']);
    await client.close();
  });

  it('passes the caller’s own bearer to the server that wants it, and never the capability token', async () => {
    expect([...notes.authorizations]).toEqual(['none']);
    const { client, names } = await connect('notes', {
      authorization: 'Bearer of-the-notes',
      'x-fabric-token': bearer,
    });
    expect(await names()).toEqual(['append']);
    expect(textOf(await client.callTool({ name: 'append', arguments: {} }))).toBe('append done');
    await client.close();
    expect([...notes.authorizations]).toEqual(['none', 'Bearer of-the-notes']);
    expect(notes.headers()).not.toContain(bearer);
    expect(services.out.text).not.toContain(bearer);
    expect(services.out.text).not.toContain('of-the-notes');
  });

  it('has every call on record, decided and settled', async () => {
    expect(await services.stop()).toEqual({ code: 0, signal: null });
    expect(await storyIn(deployment.data)).toEqual([
      ...['echo allow', 'echo done'],
      ...['echo allow', 'echo done', 'get-sum allow', 'get-sum done'],
      ...['get-sum block LIMIT_EXCEEDED', 'get-env block NOT_PERMITTED'],
      ...['echo allow', 'echo done', 'notes.append allow', 'notes.append done'],
      ...['get-sum block LIMIT_EXCEEDED', 'notes.erase block FORBIDDEN'],
      'notes.unheard-of block NOT_PERMITTED',
      ...['notes.append allow', 'notes.append done'],
    ]);
    expect(await verify(deployment.data, 'acme')).toMatchObject({ exitCode: 0 });
  });
});
