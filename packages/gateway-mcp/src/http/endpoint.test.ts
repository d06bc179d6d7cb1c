import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparable } from '../transparency.fixture.ts';
import {
  connectClient,
  httpUpstream,
  type MountedEndpoint,
  mount,
  startEverything,
  stdioEverything,
} from './endpoint.fixture.ts';
import { initialize, post } from './fake-http-server.fixture.ts';

let everything: Awaited<ReturnType<typeof startEverything>>;
let mounted: MountedEndpoint;
beforeAll(async () => {
  everything = await startEverything();
  mounted = await mount({ web: httpUpstream(everything.url), local: stdioEverything() });
});
afterAll(async () => {
  await mounted.close();
  await everything.stop();
});

const tool = (name: string, args: object = {}, more: object = {}) => ({
  method: 'tools/call',
  params: { name, arguments: args, ...more },
});
const QUESTIONS = [
  { method: 'ping' },
  { method: 'tools/list' },
  tool('echo', { message: 'hello' }),
  tool('echo', { message: 'ünïcödé \u{1f600} \u2028 "quoted" \\ \n\t' }),
  tool('echo', { message: 'x'.repeat(300_000) }),
  tool('get-sum', { a: 1e21, b: 0.1 }),
  tool('get-sum', { a: 'one', b: 2 }),
  tool('no-such-tool'),
  tool('get-tiny-image'),
  tool('get-structured-content', { location: 'Chicago' }),
  tool('get-resource-reference', { resourceType: 'Blob', resourceId: 2 }),
  tool('trigger-long-running-operation', { duration: 0.1, steps: 2 }, { _meta: { progressToken: 'p' } }),
  { method: 'resources/list' },
  { method: 'resources/templates/list' },
  { method: 'resources/read', params: { uri: 'demo://resource/static/document/architecture.md' } },
  { method: 'resources/read', params: { uri: 'demo://resource/nowhere' } },
  { method: 'prompts/list' },
  { method: 'prompts/get', params: { name: 'args-prompt', arguments: { city: 'Bern', state: 'BE' } } },
  { method: 'prompts/get', params: { name: 'no-such-prompt' } },
];

/** The data of every event that answers the questions, one after the other. */
async function answersOf(url: string): Promise<string[]> {
  const session = await initialize(url, {}, '2025-11-25');
  const headers = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' };
  const data: string[] = [];
  for (const [id, question] of QUESTIONS.entries()) {
    const answer = await post(url, { jsonrpc: '2.0', id: id + 1, ...question }, headers);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/event-stream']);
    for (const [, line = ''] of answer.body.matchAll(/^data: ?(.*)$/gm)) if (line !== '') data.push(line);
  }
  return data;
}

describe('streamable HTTP before real servers', () => {
  it('gives every answer byte for byte as the server gives it without us', async () => {
    const [direct, through] = [await answersOf(everything.url), await answersOf(mounted.url('web'))];
    expect(comparable(through)).toEqual(comparable(direct));
    expect(direct.length).toBeGreaterThan(QUESTIONS.length); // notifications too
    const { asked, settled } = mounted.decider;
    expect(settled).toHaveLength(asked.length);
  });

  it.each(['web', 'local'])(
    'serves a real client before the `%s` server, questions of the server included',
    async (name) => {
      const before = mounted.decider.asked.length;
      const { client, transport } = await connectClient(mounted.url(name), {}, (client) => {
        const content = { type: 'text' as const, text: 'the answer' };
        client.setRequestHandler(CreateMessageRequestSchema, () => ({
          role: 'assistant',
          model: 'm',
          content,
        }));
        client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada' } }));
        client.setRequestHandler(ListRootsRequestSchema, () => ({
          roots: [{ uri: 'file:///w', name: 'w' }],
        }));
      });
      // It offers more once it has asked what the client can do.
      await expect
        .poll(async () => (await client.listTools()).tools.map((tool) => tool.name), { timeout: 10_000 })
        .toEqual(expect.arrayContaining(['trigger-sampling-request', 'trigger-elicitation-request']));
      const sampled = await client.callTool({
        name: 'trigger-sampling-request',
        arguments: { prompt: 'p', maxTokens: 9 },
      });
      expect(JSON.stringify(sampled)).toContain('the answer');
      const elicited = await client.callTool({ name: 'trigger-elicitation-request', arguments: {} });
      expect(JSON.stringify(elicited)).toContain('Ada');
      expect(mounted.decider.asked.slice(before).map(({ target }) => target)).toEqual([
        'trigger-sampling-request',
        'sampling/createMessage',
        'trigger-elicitation-request',
        'elicitation/create',
      ]);
      const heard: number[] = [];
      await client.callTool(
        { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 4 } },
        undefined,
        { onprogress: ({ progress }) => heard.push(progress) },
      );
      expect(heard).toEqual([1, 2, 3, 4]);
      await transport.terminateSession();
      await client.close();
      expect(mounted.decider.settled.length).toBe(mounted.decider.asked.length);
    },
  );

  it('refuses a call without ending the session, and hides what may never be called', async () => {
    const { client } = await connectClient(mounted.url('web'), { 'x-caller': 'strict' });
    mounted.decider.hidden = ['get-env'];
    mounted.decider.decideBy = () => ({
      effect: 'block',
      code: 'FORBIDDEN',
      clause: 'no-env',
      certificateId: 'c',
    });
    const refused = await client.callTool({ name: 'get-env', arguments: {} });
    mounted.decider.decideBy = ({ requestId }) => ({ effect: 'allow', certificateId: requestId });
    expect(refused).toMatchObject({
      isError: true,
      _meta: { 'provability-fabric/refusal': { code: 'FORBIDDEN', clause: 'no-env' } },
    });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).not.toContain('get-env');
    await client.close();
  });

  it('ends with every session closed and every server gone', async () => {
    const own = await mount({ local: stdioEverything() });
    await initialize(own.url('local'));
    expect(own.endpoint.sessions()).toBe(1);
    await own.close();
    expect(own.endpoint.sessions()).toBe(0);
    expect(own.eventNames()).toEqual(['mcp.relay-ending']);
    expect(own.events[0]?.details).toMatchObject({ caller: 'anna' });
  });

  it('says by name that a server cannot be started', async () => {
    const missing = { ...stdioEverything(), command: '/no/such/server' };
    const own = await mount({ local: missing as ReturnType<typeof stdioEverything> });
    const begin = { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-06-18' } };
    const answer = await post(own.url('local'), begin);
    expect([answer.status, JSON.parse(answer.body).error.data.code]).toEqual([502, 'UPSTREAM_NOT_STARTED']);
    expect(own.endpoint.sessions()).toBe(0);
    await own.close();
  });
});
