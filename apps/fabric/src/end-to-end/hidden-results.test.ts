import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { OWN_TOOL } from '@provability-fabric/gateway-mcp';
import { SERVER_EVERYTHING } from '@provability-fabric/gateway-mcp/transparency';
import { EXTRACT_TOOL } from '@provability-fabric/policy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms, PF, ROOT } from './built-programs.fixture.ts';
import { storyIn, verify } from './evidence-in.fixture.ts';
import { Deployment, type Services } from './fabric-services.fixture.ts';
import { post, token } from './http-client.fixture.ts';
import { INJECTION, type MailServer, startMailServer } from './mail-server.fixture.ts';
import { temporaryFolder } from './pf-process.fixture.ts';

const BUNDLE = `
name: desk
version: 1
owner: relay-tests@fabric.example
tenants: [acme]
constants:
  kinds: [bill, offer]
tools:
  read_mail:
    effect: read
    returns:
      level: internal
      integrity: untrusted
      fields:
        day: { level: internal, integrity: trusted }
        order: { level: internal, integrity: untrusted }
  read_letter: { effect: read, returns: { level: internal, integrity: untrusted } }
  fail: { effect: read, returns: { level: internal, integrity: untrusted } }
  file_note:
    effect: write
    returns: { level: internal, integrity: trusted }
    clearance: { level: internal, integrity: untrusted }
  post:
    effect: egress
    returns: { level: internal, integrity: trusted }
    clearance: { level: public, integrity: untrusted }
  echo: { effect: read, returns: { level: internal, integrity: untrusted } }
documents:
  - { uri: "mail://*", label: { level: internal, integrity: untrusted } }
handles:
  clearance: { level: internal, integrity: trusted }
  extract:
    - tool: read_mail
      types: [date, amount, address, id, enum]
      of: [kinds]
      label: { level: internal, integrity: trusted }
clauses:
  - { id: labels, kind: flow, rule: session_label, on: { effects: [egress, write] } }
`;
const POLICY = `@id("all")
permit (principal, action, resource);
`;

let mails: MailServer;
let deployment: Deployment;
let services: Services;
let bearer: string;
const bundle = join(temporaryFolder(), 'desk');

beforeAll(async () => {
  await buildPrograms();
  mails = await startMailServer();
  mkdirSync(bundle);
  cpSync(join(ROOT, 'bundles/everything/schema.cedarschema'), join(bundle, 'schema.cedarschema'));
  writeFileSync(join(bundle, 'bundle.yaml'), BUNDLE);
  writeFileSync(join(bundle, 'policy.cedar'), POLICY);
  const upstreams = `mail: { url: '${mails.url}', authorization: none }\n`;
  deployment = new Deployment({ bundle, upstreams });
  services = deployment.serve();
  await services.url('sidecar-watcher');
  bearer = await token(deployment.data);
});
afterAll(async () => {
  await services.stop();
  await mails.close();
});

async function connect(sid = 's1') {
  const client = new Client({ name: 'test', version: '1' });
  /** Everything that reached the client, in whatever form. */
  const heard: unknown[] = [];
  const url = new URL(`${await services.url('sidecar-watcher')}/mcp/mail`);
  const authorization = `Bearer ${sid === 's1' ? bearer : await token(deployment.data, { sid })}`;
  const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization } } });
  await client.connect(transport as never);
  const { onmessage } = transport;
  transport.onmessage = (message: JSONRPCMessage) => {
    heard.push(message);
    onmessage?.(message);
  };
  const call = async (name: string, args: object = {}) => {
    const result = CallToolResultSchema.parse(await client.callTool({ name, arguments: { ...args } }));
    const [block] = result.content;
    return { ...result, text: block?.type === 'text' ? block.text : '' };
  };
  return { client, call, heard: () => JSON.stringify(heard) };
}

const HANDLE = /^pfh1_[a-z2-7]{32}$/;

describe.sequential('an agent before a server whose mails tell it what to do', () => {
  let handle: string;
  let order: string;

  it('names the same tool in the relay and in the policy', () => {
    expect(OWN_TOOL).toBe(EXTRACT_TOOL);
  });

  it('sees what its bundle lets it, handles for the rest, and none of the stranger’s words', async () => {
    const { client, call, heard } = await connect();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain(OWN_TOOL);
    expect(tools.find(({ name }) => name === 'read_mail')).not.toHaveProperty('outputSchema');
    const mail = await call('read_mail');
    const seen = JSON.parse(mail.text) as { day: string; order: string; pf_handle: string };
    expect(seen).toEqual({
      day: '2026-03-15',
      order: expect.stringMatching(HANDLE),
      pf_handle: expect.stringMatching(HANDLE),
    });
    expect(mail.structuredContent).toMatchObject({
      day: '2026-03-15',
      pf_handle: expect.stringMatching(HANDLE),
    });
    handle = seen.pf_handle;
    order = seen.order;
    expect((await call('read_letter')).text).toMatch(HANDLE);
    const failed = await call('fail');
    expect(failed).toMatchObject({ isError: true, text: expect.stringMatching(HANDLE) });
    const document = await client.readResource({ uri: 'mail://letter' });
    expect(document.contents).toEqual([
      { uri: 'mail://letter', mimeType: 'text/plain', text: expect.stringMatching(HANDLE) },
    ]);
    expect(heard()).not.toContain('Ignore');
    expect(heard()).not.toContain('mallory');
    await client.close();
  });

  it('passes the values on into what may hold them, and into nothing else', async () => {
    const { client, call } = await connect();
    const filed = await call('file_note', { text: order });
    expect(filed.isError ?? false).toBe(false);
    // The server's answer repeats what it was given, so it is hidden as well.
    expect(filed.text).toMatch(HANDLE);
    expect(mails.called.at(-1)).toEqual({ name: 'file_note', args: { text: 'A-17' } });
    const posted = await call('post', { text: order });
    expect(posted).toMatchObject({ isError: true, text: expect.stringContaining('LABEL_FLOW') });
    expect(mails.called).toHaveLength(1);
    await client.close();
  });

  it('gets typed values out of what is hidden, and no text', async () => {
    const { client, call, heard } = await connect();
    const taken = async (pointer: string, type: string, more = {}) =>
      (await call(OWN_TOOL, { handle, pointer, type, ...more })).text;
    expect(await taken('/day', 'date')).toBe('2026-03-15');
    expect(await taken('/sum', 'amount')).toBe('99.50');
    expect(await taken('/sender', 'address')).toBe('desk@acme.example');
    expect(await taken('/order', 'id')).toBe('A-17');
    expect(await taken('/kind', 'enum', { of: 'kinds' })).toBe('bill');
    const refused = await call(OWN_TOOL, { handle, pointer: '/body', type: 'id' });
    expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('not extracted') });
    expect(heard()).not.toContain('Ignore');
    await client.close();
  });

  it('is refused a thousand guesses, alike, and the handles of another session', async () => {
    const { client, call } = await connect('s2');
    const answers = new Set<string>();
    const guesses = Array.from({ length: 1_000 }, (_, at) => `pfh1_${at.toString(36).padStart(32, 'q')}`);
    const guess = async (text: string) => {
      const { text: answer } = await call('file_note', { text });
      answers.add(answer.replace(/[0-9a-f]{64}/, 'CERT'));
    };
    await guess(handle);
    for (let from = 0; from < guesses.length; from += 100)
      await Promise.all(guesses.slice(from, from + 100).map(guess));
    expect([...answers]).toEqual(['refused by policy: HANDLE_INVALID, certificate CERT']);
    expect(mails.called).toHaveLength(1);
    await client.close();
  }, 60_000);

  it('has its handles still after a restart, over HTTP as over MCP', async () => {
    await services.stop();
    services = deployment.serve();
    const sidecar = await services.url('sidecar-watcher');
    const { client, call } = await connect();
    expect((await call('file_note', { text: order })).isError ?? false).toBe(false);
    expect(mails.called.at(-1)).toEqual({ name: 'file_note', args: { text: 'A-17' } });
    await client.close();

    const runner = await token(deployment.data, { roles: ['assistant', 'tool-runner'] });
    const ask = (tool: string, args: object, as = runner) =>
      post(`${sidecar}/v1/authorize`, as, {
        request_id: `${tool}-${Math.random()}`,
        action: { kind: 'call', tool, args },
      });
    // The agent's own token opens `/mcp` alone, or it would be given what was hidden from it.
    const refused = { status: 403, body: { code: 'FORBIDDEN' } };
    expect(await ask('file_note', { text: order }, bearer)).toMatchObject(refused);
    const guess = { session: 's1', certificate_id: 'c', outcome: 'done', result: 'A-17' };
    expect(await post(`${sidecar}/v1/outcome`, bearer, guess)).toMatchObject(refused);
    const { body: filed } = await ask('file_note', { text: order });
    expect(filed).toMatchObject({ effect: 'allow', arguments: { text: 'A-17' } });
    const { body: shown } = await post(`${sidecar}/v1/outcome`, runner, {
      session: filed.session,
      certificate_id: filed.certificate_id,
      outcome: 'done',
      result: 'filed A-17',
    });
    expect(shown).toEqual({ result: expect.stringMatching(HANDLE) });
    const { body: taken } = await ask(OWN_TOOL, { handle: order, type: 'id' });
    expect(taken).toMatchObject({ effect: 'allow', answer: { outcome: 'done', result: 'A-17' } });
  });

  it('leaves evidence from which all of it is derived again, offline', async () => {
    await services.stop();
    const { exitCode } = await verify(deployment.data, 'acme');
    expect(exitCode).toBe(0);
    const story = await storyIn(deployment.data);
    expect(story.slice(0, 4)).toEqual([
      'read_mail allow',
      'read_mail done',
      'read_letter allow',
      'read_letter done',
    ]);
    expect(story.filter((line) => line === 'file_note block HANDLE_INVALID')).toHaveLength(1_001);
  }, 60_000);
});

describe('an agent before a stdio server', () => {
  it('gets a handle for what a server says, and passes it on in its place', async () => {
    const data = temporaryFolder();
    const args = [PF, 'run', '--bundle', bundle, '--data', data, '--', ...SERVER_EVERYTHING];
    const transport = new StdioClientTransport({
      command: process.execPath,
      args,
      cwd: ROOT,
      stderr: 'ignore',
    });
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(transport);
    const echo = async (message: string) => {
      const { content } = await client.callTool({ name: 'echo', arguments: { message } });
      return (content as readonly { readonly text: string }[])[0]?.text ?? '';
    };
    const handle = await echo(INJECTION);
    expect(handle).toMatch(HANDLE);
    expect(await echo(handle)).toMatch(HANDLE);
    await client.close();
    expect(await storyIn(data)).toEqual(['echo allow', 'echo done', 'echo allow', 'echo done']);
  });
});
