import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { connectClient, httpUpstream, type MountedEndpoint, mount } from '../http/endpoint.fixture.ts';
import {
  type FakeServer,
  initialize,
  post,
  sendEvents,
  startFakeServer,
} from '../http/fake-http-server.fixture.ts';

let mounted: MountedEndpoint;
let servers: FakeServer[] = [];
afterEach(async () => {
  await mounted.close();
  for (const server of servers) await server.close();
  servers = [];
});

interface Offer {
  readonly tools?: readonly string[];
  readonly prompts?: readonly string[];
  readonly resources?: readonly string[];
  readonly templates?: readonly string[];
  /** The lists come in pages of so many. */
  readonly page?: number;
}

/** A server that offers this and says what it was asked. */
async function offering(offer: Offer, version = '2025-11-25'): Promise<FakeServer> {
  const lists: Record<string, [string, string, readonly string[]]> = {
    'tools/list': ['tools', 'name', offer.tools ?? []],
    'prompts/list': ['prompts', 'name', offer.prompts ?? []],
    'resources/list': ['resources', 'uri', offer.resources ?? []],
    'resources/templates/list': ['resourceTemplates', 'uriTemplate', offer.templates ?? []],
  };
  const server = await startFakeServer(({ id, method = '', params = {} }, _request, response) => {
    const say = (result: object) => sendEvents(response, { jsonrpc: '2.0', id, result });
    const list = lists[method];
    if (method === 'initialize') {
      const capabilities = {
        ...(offer.tools && { tools: { listChanged: true } }),
        ...(offer.prompts && { prompts: {} }),
        ...(offer.resources && { resources: {} }),
      };
      say({ protocolVersion: version, capabilities, serverInfo: { name: 's', version: '1' } });
    } else if (list !== undefined) {
      const [items, name, all] = list;
      const from = Number(params.cursor ?? 0);
      const to = from + (offer.page ?? 100);
      const found = all
        .slice(from, to)
        .map((item) => ({ [name]: item, name: item, inputSchema: { type: 'object' } }));
      say({ [items]: found, ...(to < all.length && { nextCursor: String(to) }) });
    } else if (id === undefined || method === '' || method === 'tools/call') return false;
    else say({ did: method, with: params });
    return true;
  });
  servers.push(server);
  return server;
}

async function joined(prefixes: Readonly<Record<string, string>>, ...offers: Offer[]): Promise<string> {
  const found = await Promise.all(offers.map((offer) => offering(offer)));
  const names = Object.keys(prefixes);
  mounted = await mount(
    Object.fromEntries(
      found.map(({ url }, at) => [names[at], httpUpstream(url, { prefix: prefixes[names[at] ?? ''] ?? '' })]),
    ),
  );
  return mounted.url('all');
}

async function ask(url: string, session: string, method: string, params: object = {}, id = 1) {
  const answer = await post(url, { jsonrpc: '2.0', id, method, params }, { 'mcp-session-id': session });
  return JSON.parse(/^data: (.+)$/m.exec(answer.body)?.[1] ?? answer.body);
}

describe('several upstreams as one', () => {
  it('offers the fabric’s own tool once, without a prefix, and no upstream’s of that name', async () => {
    const offers = [{ tools: ['a', 'fabric_extract'] }, { tools: ['b'] }] as const;
    const url = await joined({ one: 'one.', two: 'two.' }, ...offers);
    mounted.decider.hides = { extraction: { types: ['date'], of: [] } };
    mounted.decider.decideBy = ({ requestId, target }) => ({
      effect: 'allow',
      certificateId: requestId,
      answer: { outcome: 'done', result: target },
    });
    const { client } = await connectClient(url);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual(['fabric_extract', 'one.a', 'two.b']);
    const { content } = await client.callTool({ name: 'fabric_extract', arguments: {} });
    expect(content).toEqual([{ type: 'text', text: 'fabric_extract' }]);
    await client.close();
  });

  it('offers what all offer, under the names that the policy knows, pages read to their end', async () => {
    const url = await joined(
      { a: 'a.', b: '' },
      { tools: ['one', 'two', 'three'], prompts: ['p'], page: 1 },
      { tools: ['one'], resources: ['file:///r'] },
    );
    const session = await initialize(url);
    const names = (answer: { result: Record<string, { name: string }[]> }, list: string) =>
      answer.result[list]?.map(({ name }) => name);
    expect(names(await ask(url, session, 'tools/list'), 'tools')).toEqual([
      'a.one',
      'a.two',
      'a.three',
      'one',
    ]);
    expect(names(await ask(url, session, 'prompts/list'), 'prompts')).toEqual(['a.p']);
    expect(names(await ask(url, session, 'resources/list'), 'resources')).toEqual(['file:///r']);
    expect((await ask(url, session, 'tools/list', { cursor: '1' })).error.data.code).toBe('INVALID_PARAMS');

    await ask(url, session, 'tools/call', { name: 'a.two', arguments: { n: 1 } });
    await ask(url, session, 'tools/call', { name: 'one', arguments: { n: 2 } });
    const read = await ask(url, session, 'prompts/get', { name: 'a.p' });
    expect(read.result).toEqual({ did: 'prompts/get', with: { name: 'p' } });
    expect(servers.map(({ bodies }) => bodies.map((body) => JSON.parse(body).params))).toEqual([
      [{ name: 'two', arguments: { n: 1 } }],
      [{ name: 'one', arguments: { n: 2 } }],
    ]);
    expect(mounted.decider.asked.map(({ target }) => target)).toEqual(['a.two', 'one', 'mcp-prompt:a.p']);
  });

  it('names a single upstream as the policy does, and leaves its own names to the client', async () => {
    await joined({ a: 'a.', b: '' }, { tools: ['one', 'two'] }, { tools: ['x'] });
    const url = mounted.url('a');
    mounted.decider.hidden = ['a.two'];
    const session = await initialize(url);
    const { result } = await ask(url, session, 'tools/list');
    expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(['one']);
    await ask(url, session, 'tools/call', { name: 'one', arguments: {} });
    expect(mounted.decider.asked.map(({ target }) => target)).toEqual(['a.one']);
  });

  it('hides the later of two equal names, and never sends a call to it', async () => {
    const url = await joined({ a: '', b: '' }, { tools: ['same'] }, { tools: ['same', 'other'] });
    const session = await initialize(url);
    const { result } = await ask(url, session, 'tools/list');
    expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(['same', 'other']);
    await ask(url, session, 'tools/call', { name: 'same', arguments: {} });
    expect(servers.map(({ calls }) => calls)).toEqual([1, 0]);
    expect(mounted.events).toContainEqual({
      event: 'mcp.names-hidden',
      details: { caller: 'anna', list: 'tools/list', upstream: 'b', count: 1 },
    });
  });

  it('lets the policy refuse a tool that is in no list: the attempt is certified like any', async () => {
    const url = await joined({ a: 'a.', b: 'b.' }, { tools: ['x'] }, { tools: ['y'] });
    mounted.decider.decideBy = () => ({ effect: 'block', code: 'NOT_PERMITTED', certificateId: 'c' });
    const session = await initialize(url);
    const hidden = await ask(url, session, 'tools/call', { name: 'b.hidden', arguments: {} });
    expect(hidden.result._meta['provability-fabric/refusal'].certificate_id).toBe('c');
    expect(mounted.decider.asked.map(({ target }) => target)).toEqual(['b.hidden']);
    const nowhere = await ask(url, session, 'tools/call', { name: 'c.z', arguments: {} });
    expect(nowhere.error.data.code).toBe('INVALID_PARAMS');
    expect((await ask(url, session, 'tools/execute')).error.code).toBe(-32601);
    expect(servers.map(({ calls }) => calls)).toEqual([0, 0]);
  });

  it('finds whose a resource is by list and template', async () => {
    const url = await joined(
      { a: '', b: '' },
      { resources: ['file:///a'], templates: ['db://{table}/rows/{id}'] },
      { resources: ['file:///b'] },
    );
    const session = await initialize(url);
    for (const uri of ['file:///b', 'db://users/rows/7', 'file:///a'])
      await ask(url, session, 'resources/read', { uri });
    expect((await ask(url, session, 'resources/read', { uri: 'file:///none' })).error.data.code).toBe(
      'INVALID_PARAMS',
    );
    const read = servers.map(({ requests }) =>
      requests
        .filter(({ body }) => body.includes('resources/read'))
        .map(({ body }) => JSON.parse(body).params.uri),
    );
    expect(read).toEqual([['db://users/rows/7', 'file:///a'], ['file:///b']]);
  });

  it('keeps apart what two servers ask under the same id, and answers each its own', async () => {
    const answers: string[][] = [[], []];
    const asking = (own: number) =>
      startFakeServer((message, _request, response) => {
        const { id, method } = message;
        if (method === 'initialize') return false;
        if (method === 'tools/list') {
          const tool = { name: `t${own}`, inputSchema: { type: 'object' } };
          sendEvents(response, { jsonrpc: '2.0', id, result: { tools: [tool] } });
          return true;
        }
        if (method === undefined && id === 0) answers[own]?.push(JSON.stringify(message));
        if (method !== 'tools/call') return false;
        const params = { messages: [], maxTokens: own };
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(
          `data: ${JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'sampling/createMessage', params })}\n\n`,
        );
        const timer = setInterval(() => {
          if (answers[own]?.length === 0) return;
          clearInterval(timer);
          response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\n\n`);
        }, 5);
        return true;
      });
    servers = [await asking(0), await asking(1)];
    mounted = await mount({
      a: httpUpstream(servers[0]?.url ?? ''),
      b: httpUpstream(servers[1]?.url ?? ''),
    });
    const { client } = await connectClient(mounted.url('all'), {}, (client) => {
      client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
        role: 'assistant',
        model: 'm',
        content: { type: 'text', text: `for ${params.maxTokens}` },
      }));
    });
    await Promise.all(['t0', 't1'].map((name) => client.callTool({ name, arguments: {} })));
    expect(answers.map((own) => own.map((text) => JSON.parse(text).result.content.text))).toEqual([
      ['for 0'],
      ['for 1'],
    ]);
    await client.close();
  });

  it('goes on without an upstream that does not come up or dies, and fails where none does', async () => {
    const url = await joined({ a: 'a.', b: 'b.' }, { tools: ['x'] }, { tools: ['y'] });
    await servers[0]?.close();
    const session = await initialize(url);
    const { result } = await ask(url, session, 'tools/list');
    expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(['b.y']);
    expect(mounted.eventNames()).toContain('mcp.joined-upstream-missing');
    await servers[1]?.close();
    const begin = { jsonrpc: '2.0', id: 0, method: 'initialize', params: {} };
    const answer = await post(url, begin, { 'x-caller': 'late' });
    expect(answer.body).toContain('UPSTREAM_NOT_STARTED');
    expect(answer.headers['mcp-session-id']).toBeUndefined();
  });
});
