import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { startEverything } from '../http/endpoint.fixture.ts';
import { sendEvents, startFakeServer } from '../http/fake-http-server.fixture.ts';
import { call, notice, Peer, request, ScriptedDecider } from '../relay.fixture.ts';
import { startRelay } from '../relay.ts';
import { connectUpstream } from './connect.ts';

function relayTo(url: string) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const decider = new ScriptedDecider();
  const events: string[] = [];
  const emit = (event: string) => void events.push(event);
  let requests = 0;
  const relay = startRelay({
    client: { input, output },
    upstream: connectUpstream({ url }, { events: { emit } }),
    decider,
    events: { emit },
    newRequestId: () => `${++requests}`,
  });
  return { relay, decider, events, input, client: new Peer(input, output) };
}

const BEGIN = request(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'stdio', version: '1' },
});

describe('a stdio client before a server over HTTP', () => {
  it('works with a real one, and says goodbye at the end', async () => {
    const everything = await startEverything();
    const { relay, client, decider, input } = relayTo(everything.url);
    client.send(BEGIN);
    await client.answer(0);
    client.send(notice('notifications/initialized'), call(1, 'echo', { arguments: { message: 'hello' } }));
    expect(JSON.stringify(await client.answer(1))).toContain('Echo: hello');
    input.end();
    expect((await relay.closed).reason).toBe('client-closed');
    expect(decider.outcomes()).toEqual(['cert-1 done']);
    await everything.stop();
  });

  it('keeps the order: nothing is sent before the session stands, no call before the notification', async () => {
    const server = await startFakeServer();
    const { relay, client } = relayTo(server.url);
    client.send(BEGIN, notice('notifications/initialized'), call(1), call(2));
    await Promise.all([client.answer(1), client.answer(2)]);
    await relay.close();
    const posted = server.requests.filter(({ method }) => method === 'POST');
    expect(posted.map(({ body }) => JSON.parse(body).method)).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/call',
      'tools/call',
    ]);
    expect(posted.map(({ headers }) => headers['mcp-session-id'])).toEqual([
      undefined,
      ...Array(3).fill('upstream-1'),
    ]);
    expect(posted.map(({ headers }) => headers['mcp-protocol-version'])).toEqual([
      undefined,
      ...Array(3).fill('2025-11-25'),
    ]);
    expect(server.requests.at(-1)?.method).toBe('DELETE');
    await server.close();
  });

  it('hears what the server says unasked, and goes on after that stream was cut', async () => {
    let streams = 0;
    const server = await startFakeServer((_message, request, response) => {
      if (request.method !== 'GET') return false;
      const n = ++streams;
      const from = request.headers['last-event-id'] ?? 'the start';
      const params = { level: 'info', data: `stream ${n} from ${from}` };
      if (n > 2) response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      else {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const event = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params });
        response.end(`id: e-${n}\nretry: 100\ndata: ${event}\n\n`);
      }
      return true;
    });
    const { relay, client } = relayTo(server.url);
    client.send(BEGIN, notice('notifications/initialized'));
    await client.sees('stream 1 from the start');
    await client.sees('stream 2 from e-1');
    await relay.close();
    await server.close();
  });

  it('is not kept from answering the server by a call that waits for that answer', async () => {
    let finish: () => void = () => {};
    const server = await startFakeServer((message, _request, response) => {
      if (message.method === 'tools/call') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`data: ${JSON.stringify(request('q', 'roots/list'))}\n\n`);
        finish = () => {
          response.end(
            `data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { content: [] } })}\n\n`,
          );
        };
        return true;
      }
      if (message.id === 'q') finish();
      return false;
    });
    const { relay, client } = relayTo(server.url);
    client.send(BEGIN, notice('notifications/initialized'), call(1));
    await client.sees('roots/list');
    client.send({ jsonrpc: '2.0', id: 'q', result: { roots: [] } });
    expect(await client.answer(1)).toMatchObject({ result: { content: [] } });
    await relay.close();
    await server.close();
  });

  it('does not wait long at the end for a server that never answers', async () => {
    const server = await startFakeServer((_message, request, response) => {
      if (request.method === 'DELETE') return true;
      if (request.method !== 'POST') return false;
      sendEvents(response, {
        jsonrpc: '2.0',
        id: 0,
        result: { protocolVersion: '2025-11-25', capabilities: {} },
      });
      return true;
    });
    const { relay, client } = relayTo(server.url);
    client.send(BEGIN);
    await client.answer(0);
    const started = performance.now();
    await relay.close();
    expect(performance.now() - started).toBeLessThan(3_000);
    await server.close();
  });
});
