import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { GovernorError } from '@provability-fabric/governor';
import { afterEach, describe, expect, it } from 'vitest';
import { blockedChange, deskClient, fakeChangeDesk, POLICY } from './fake-change-desk.fixture.ts';
import { governorMcpRoute } from './governor-mcp-route.ts';
import { MOST_MESSAGE_BYTES } from './limits.ts';
import type { DeskClient } from './ports.ts';
import { serveGovernorOverStdio } from './serve-stdio.ts';
import { StreamClientTransport } from './stream-client.fixture.ts';

const closes: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});

function open(fails?: unknown) {
  const desk = fakeChangeDesk();
  desk.fails = fails;
  const failures: unknown[] = [];
  const options = {
    desk,
    name: 'safeai',
    version: '1.0.0',
    failed: (error: unknown) => failures.push(error),
  };
  return { desk, failures, options };
}

/** The whole way over HTTP, each request as the client that its header names. */
async function overHttp(made: ReturnType<typeof open>, clientOf: (name: string) => DeskClient = deskClient) {
  const route = governorMcpRoute(made.options);
  const server: HttpServer = createServer((request, response) => {
    void route(clientOf(`${request.headers['x-principal'] ?? 'agent'}`), request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closes.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  const connect = async (principal: string) => {
    const client = new Client({ name: 'test', version: '1' });
    const requestInit = { headers: { 'x-principal': principal } };
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit }) as never);
    closes.push(() => client.close());
    return client;
  };
  return { url, connect };
}

async function overStdio(made: ReturnType<typeof open>, clientOf: (name: string) => DeskClient = deskClient) {
  const connect = async (principal: string) => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const served = serveGovernorOverStdio(made.options, clientOf(principal), { input, output });
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StreamClientTransport(output, input));
    closes.push(async () => {
      input.end();
      await served;
    });
    return client;
  };
  return { connect };
}

const CHANGE = {
  rationale: 'the parser reads one line too many',
  edits: [{ path: 'src/parse.ts', op: 'delete', start: 3, end: 3 }],
  files: [{ path: 'src/new.ts', base: null, content: { text: 'export {};\n' } }],
  tests: ['npm test'],
};
type Answer = {
  readonly isError?: boolean;
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  readonly content: readonly { readonly text: string }[];
};
const call = async (client: Client, name: string, args: Readonly<Record<string, unknown>> = {}) =>
  (await client.callTool({ name, arguments: args })) as unknown as Answer;

describe.each([
  ['streamable HTTP', overHttp],
  ['stdio', overStdio],
])('the governor over %s', (_, serve) => {
  it('takes what an agent proposes, whole, in its name, and tells what has to happen next', async () => {
    const made = open();
    const client = await (await serve(made)).connect('agent-7');
    expect(client.getServerVersion()).toMatchObject({ name: 'safeai', version: '1.0.0' });
    const answer = await call(client, 'propose_change', CHANGE);
    expect(answer.structuredContent).toEqual({
      hash: '1'.padStart(64, '0'),
      status: 'open',
      verdict: 'approved',
      reasons: [],
      outcome: null,
      next: 'a person signs it: safeai proposals approve',
    });
    expect(JSON.parse(answer.content[0]?.text ?? '')).toEqual(answer.structuredContent);
    expect(made.desk.proposed).toEqual([
      {
        caller: { principal: 'agent-7', actor: 'mcp' },
        manifest: {
          version: '1.0.0',
          targets: ['src/parse.ts', 'src/new.ts'],
          edits: [{ path: 'src/parse.ts', op: 'delete', start: 3, end: 3, text: '' }],
          diffs: [],
          files: CHANGE.files,
          tests: ['npm test'],
          rationale: CHANGE.rationale,
        },
      },
    ]);
  });

  it('tells an agent nothing of what another one proposed', async () => {
    const { connect } = await serve(open());
    const [one, other] = [await connect('one'), await connect('other')];
    const { structuredContent } = await call(one, 'propose_change', CHANGE);
    const hash = structuredContent?.hash;
    expect((await call(one, 'check_change', { hash })).structuredContent).toMatchObject({
      proposal: { hash, status: 'open' },
      plan: null,
    });
    expect(await call(other, 'check_change', { hash })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/^PROPOSAL_UNKNOWN: /) }],
      _meta: { 'provability-fabric/refusal': { code: 'PROPOSAL_UNKNOWN' } },
    });
  });

  it('plans a change without keeping it, and shows the state and the limits', async () => {
    const made = open();
    const client = await (await serve(made)).connect('agent');
    const { tools } = await client.listTools(); // what it answers is checked against these from here on
    expect(tools.map(({ name }) => name)).toEqual(['propose_change', 'check_change', 'status']);
    const planned = await call(client, 'check_change', { manifest: CHANGE });
    expect(planned.structuredContent).toMatchObject({
      proposal: null,
      plan: { verdict: 'blocked', blocked_paths: ['.git/config'], policy: POLICY },
    });
    expect(made.desk.proposed).toEqual([]);
    expect((await call(client, 'status')).structuredContent).toEqual({
      can_apply: true,
      problems: [],
      tree: { digest: '2'.repeat(64), files: 12 },
      policy: { ...POLICY, tier: 'beta', safe_mode: true },
      kill_switch: { active: false, reason: null },
      sandbox: { tier: 'cgroups', engine: 'bubblewrap 0.8.0', demanded: 'cgroups' },
      limits: { content_bytes: 65_536, all_content_bytes: 524_288, targets: 1_000, tests: 64 },
    });
    await call(client, 'propose_change', CHANGE);
  });

  it('refuses by code and reason what the governor refuses, and says nothing of what broke inside', async () => {
    const blocked = await (await serve(open(blockedChange()))).connect('agent');
    expect(await call(blocked, 'propose_change', CHANGE)).toMatchObject({
      isError: true,
      content: [
        {
          text: expect.stringContaining(
            'CHANGE_BLOCKED: expected a change that the policy lets pass\n`deny_paths`',
          ),
        },
      ],
    });
    const full = await (await serve(open(new GovernorError('PROPOSALS_FULL', 'too many')))).connect('agent');
    expect((await call(full, 'propose_change', CHANGE)).content[0]?.text).toBe('PROPOSALS_FULL: too many');
    const made = open(new TypeError('password=hunter2 at /srv/x.ts:3'));
    const broken = await (await serve(made)).connect('agent');
    const answer = await call(broken, 'propose_change', CHANGE);
    expect(answer).toMatchObject({ isError: true });
    expect(JSON.stringify(answer)).not.toMatch(/hunter2|x\.ts/);
    expect(made.failures).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ['no rationale', { files: CHANGE.files }],
    ['a member that nobody knows', { ...CHANGE, sudo: true }],
    [
      'an operation that is none',
      { ...CHANGE, edits: [{ path: 'a', op: 'append', start: 0, end: 0, text: '' }] },
    ],
    ['a base that is no digest', { ...CHANGE, diffs: [{ path: 'a', base: 'HEAD', diff: 'x' }] }],
    [
      'too much text',
      { ...CHANGE, files: [{ path: 'a', base: null, content: { text: 'x' } }], rationale: 'y'.repeat(5_000) },
    ],
    ['too many tests', { ...CHANGE, tests: Array.from({ length: 65 }, () => 'true') }],
  ])('refuses %s, and names the place without repeating what came', async (_, args) => {
    const made = open();
    const client = await (await serve(made)).connect('agent');
    const answer = await call(client, 'propose_change', args as Readonly<Record<string, unknown>>);
    expect(answer).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/^MANIFEST_INVALID: /) }],
    });
    expect(answer.content[0]?.text.length).toBeLessThan(600);
    expect(made.desk.proposed).toEqual([]);
  });

  it('wants exactly one of a hash and a manifest to check', async () => {
    const client = await (await serve(open())).connect('agent');
    for (const args of [{}, { hash: '0'.repeat(64), manifest: CHANGE }])
      expect((await call(client, 'check_change', args)).content[0]?.text).toMatch(
        /^MANIFEST_INVALID: expected exactly/,
      );
  });

  it('neither lists nor does what a role may not', async () => {
    const made = open();
    const auditor = (name: string) =>
      deskClient(name, (operation) => operation === 'status' || operation === 'check');
    const client = await (await serve(made, auditor)).connect('auditor');
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['check_change', 'status']);
    for (const [name, args] of [
      ['propose_change', CHANGE],
      ['check_change', { manifest: CHANGE }],
    ] as const)
      expect((await call(client, name, args)).content[0]?.text).toMatch(/^GOVERNOR_FORBIDDEN: /);
    expect(made.desk.proposed).toEqual([]);
    await expect(call(client, 'apply_change')).rejects.toMatchObject({ code: -32602 });
  });
});

describe('the governor over streamable HTTP', () => {
  const post = async (url: URL, body: string | Buffer, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body,
    });
    return { status: response.status, text: await response.text() };
  };
  const message = (args: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"propose_change","arguments":${args}}}`;

  it('keeps nothing between requests: any replica answers any of them', async () => {
    const made = open();
    const { url } = await overHttp(made);
    const { status, text } = await post(url, message(JSON.stringify(CHANGE)));
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ id: 1, result: { structuredContent: { status: 'open' } } });
  });

  it.each<[string, string, number]>([
    ['a member that is there twice', message('{"rationale":"a","rationale":"b"}'), 400],
    ['a batch', `[${message('{}')}]`, 400],
    ['no JSON', '{', 400],
    ['no message', '{"hello":1}', 400],
    ['more than a message may have', `"${'x'.repeat(MOST_MESSAGE_BYTES)}"`, 413],
  ])('refuses %s', async (_, body, expected) => {
    const made = open();
    const { url } = await overHttp(made);
    const { status, text } = await post(url, body);
    expect(status).toBe(expected);
    expect(JSON.parse(text)).toMatchObject({ error: { code: expect.any(Number) } });
    expect(made.desk.proposed).toEqual([]);
  });

  it('refuses pages of elsewhere, other methods and other types of content', async () => {
    const { url } = await overHttp(open());
    expect((await post(url, message('{}'), { origin: 'https://evil.example' })).status).toBe(403);
    expect((await post(url, message('{}'), { 'content-type': 'text/plain' })).status).toBe(415);
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const response = await fetch(url, { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    }
  });

  it('lets go of a client that leaves in the middle of its body', async () => {
    const made = open();
    const { url } = await overHttp(made);
    const ending = new AbortController();
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from(message('{'))),
    });
    const asked = fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
      signal: ending.signal,
    } as RequestInit);
    setTimeout(() => ending.abort(), 50);
    await expect(asked).rejects.toThrow();
    expect((await post(url, message(JSON.stringify(CHANGE)))).status).toBe(200);
    expect(made.failures).toEqual([]);
  });
});

describe('the governor over stdio', () => {
  const answersTo = async (made: ReturnType<typeof open>, text: string) => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const chunks: Buffer[] = [];
    output.on('data', (chunk: Buffer) => chunks.push(chunk));
    const served = serveGovernorOverStdio(made.options, deskClient('agent'), { input, output });
    input.end(text);
    await served;
    return Buffer.concat(chunks)
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  };
  const initialize =
    '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},' +
    '"clientInfo":{"name":"t","version":"1"}}}';

  it('answers everything before it ends with the client’s side, and outlives lines that are no message', async () => {
    const made = open();
    const propose = JSON.stringify({
      jsonrpc: '2.0',
      id: 'p',
      method: 'tools/call',
      params: { name: 'propose_change', arguments: CHANGE },
    });
    const cancelled = [
      '{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"status"}}',
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c"}}',
    ];
    const lines = [
      initialize,
      ...cancelled,
      '{',
      '',
      '[]',
      '7',
      '{"jsonrpc":"2.0","id":2}',
      `"${'x'.repeat(MOST_MESSAGE_BYTES)}"`,
      propose,
    ];
    const answers = await answersTo(made, `${lines.join('\n')}\n`);
    const codes = new Map(
      answers.map(({ id, error }) => [id, (error as { code: number } | undefined)?.code]),
    );
    expect([codes.get(1), codes.get('p')]).toEqual([undefined, undefined]);
    const refused = answers.filter(({ id }) => id === null).map(({ error }) => error);
    expect(refused).toMatchObject([{ code: -32700 }, { code: -32600 }]);
    expect([...codes.keys()].filter((id) => id !== 'c').sort()).toEqual([1, null, 'p'].sort());
    expect(made.desk.proposed).toHaveLength(1);
  });
});
