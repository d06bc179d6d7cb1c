import { request as sendRequest } from 'node:http';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { ByteBudget } from './byte-budget.ts';
import { connectClient, httpUpstream, type MountedEndpoint, mount } from './endpoint.fixture.ts';
import { parseEventId } from './event-stream.ts';
import {
  type FakeServer,
  initialize,
  post,
  sendEvents,
  startFakeServer,
} from './fake-http-server.fixture.ts';
import { ReplayBuffer, type StreamEvent } from './replay-buffer.ts';

let server: FakeServer;
let mounted: MountedEndpoint;
afterEach(async () => {
  await mounted.close();
  await server.close();
});

async function start(behave?: Parameters<typeof startFakeServer>[0], limits = {}): Promise<string> {
  server = await startFakeServer(behave);
  mounted = await mount({ web: httpUpstream(server.url) }, { limits });
  return mounted.url('web');
}

const VERSION = { 'mcp-protocol-version': '2025-11-25' };
const CALL = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'echo', arguments: {} } };

/** Posts, and cuts the connection once `text` was heard; what was heard until then. */
function cutAfter(url: string, headers: Record<string, string>, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const accept = 'application/json, text/event-stream';
    const all = { accept, 'content-type': 'application/json', ...headers };
    const request = sendRequest(url, { method: 'POST', agent: false, headers: all }, (response) => {
      let heard = '';
      response.on('data', (chunk: Buffer) => {
        heard += chunk;
        if (!heard.includes(text)) return;
        request.destroy();
        resolve(heard);
      });
      response.on('error', () => {});
    });
    request.on('error', reject);
    request.end(JSON.stringify(CALL));
  });
}

const idsIn = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id as string);

describe('a stream that was cut', () => {
  it('is primed at once, and goes on after the last event: the answer is neither lost nor repeated', async () => {
    const url = await start();
    const session = { ...VERSION, 'mcp-session-id': await initialize(url, VERSION, '2025-11-25') };
    server.hold();
    const heard = await cutAfter(url, session, 'data: \n\n');
    expect(heard).toMatch(/^id: \d+-0\nretry: 1000\ndata: \n\n$/);
    server.release();
    await expect.poll(() => mounted.decider.outcomes()).toEqual(['cert-1 done']);
    const [last = ''] = idsIn(heard);
    const resumed = await post(url, undefined, { ...session, 'last-event-id': last }, 'GET');
    expect(resumed.body).toContain('"id":7,"result":{"content":[]}');
    expect(server.calls).toBe(1);
    const again = await post(
      url,
      undefined,
      { ...session, 'last-event-id': idsIn(resumed.body).at(-1) ?? '' },
      'GET',
    );
    expect(again.body).not.toContain('result'); // all of it was heard
  });

  it("that is not known, or another session's, starts anew and shows nothing of that one", async () => {
    const url = await start();
    const mine = { ...VERSION, 'mcp-session-id': await initialize(url, VERSION, '2025-11-25') };
    const answer = await post(url, CALL, mine);
    expect(idsIn(answer.body)).toEqual(['2-0', '2-1']);
    const other = { ...VERSION, 'mcp-session-id': await initialize(url, VERSION, '2025-11-25') };
    for (const id of ['2-0', '99-1', '__proto__', '1', `${'9'.repeat(30)}-1`]) {
      const controller = new AbortController();
      const headers = { ...other, accept: 'text/event-stream', 'last-event-id': id };
      await expect.poll(() => mounted.openStreams()).toBe(0);
      const stream = await fetch(url, { headers, signal: controller.signal });
      const first = await stream.body?.getReader().read();
      expect(new TextDecoder().decode(first?.value), id).toMatch(/^id: 0-0\nretry: 1000\ndata: \n\n$/);
      controller.abort();
    }
    expect(mounted.eventNames()).toContain('mcp.resumption-expired');
  });

  it('is taken up by a real client, which gets its answer', async () => {
    let cut: () => void = () => {};
    const url = await start((message, _request, response) => {
      if (message.method !== 'tools/call') return false;
      const result = { content: [{ type: 'text', text: 'late' }] };
      cut = () => sendEvents(response, { jsonrpc: '2.0', id: message.id, result });
      return true;
    });
    const { client, transport } = await connectClient(url);
    const answer = client.callTool({ name: 'echo', arguments: {} });
    await expect.poll(() => server.requests.some(({ body }) => body.includes('tools/call'))).toBe(true);
    // Every connection to the endpoint breaks, as when a proxy restarts.
    await expect.poll(() => mounted.openConnections()).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    mounted.breakConnections();
    cut();
    expect(await answer).toMatchObject({ content: [{ text: 'late' }] });
    await transport.close();
  });

  it('keeps what the server says meanwhile, within its bounds', async () => {
    const say = (n: number) => ({
      jsonrpc: '2.0',
      method: 'notifications/message',
      params: { level: 'info', data: `note ${n}` },
    });
    const url = await start(
      (message, _request, response) => {
        if (message.method !== 'tools/call') return false;
        const notes = Array.from({ length: 20 }, (_, n) => say(n));
        setTimeout(() => {
          sendEvents(response, ...notes, { jsonrpc: '2.0', id: message.id, result: { content: [] } });
        }, 100);
        return true;
      },
      { maxReplayEvents: 5 },
    );
    const session = { ...VERSION, 'mcp-session-id': await initialize(url, VERSION, '2025-11-25') };
    const heard = await cutAfter(url, session, 'data: \n\n');
    await expect.poll(() => mounted.decider.outcomes()).toEqual(['cert-1 done']);
    const resumed = await post(url, undefined, { ...session, 'last-event-id': idsIn(heard)[0] ?? '' }, 'GET');
    expect(resumed.body.match(/note \d+/g)).toEqual(['note 16', 'note 17', 'note 18', 'note 19']);
    expect(resumed.body).toContain('result');
  });
});

describe('event ids', () => {
  it('that were not given name nothing', () => {
    for (const id of ['', '1', '1-', '-1', '1-1-1', '1 -1', '１-１', `${'1'.repeat(16)}-1`]) {
      expect(parseEventId(id), id).toBeUndefined();
    }
    expect(parseEventId('12-3')).toEqual({ stream: 12, number: 3 });
  });
});

describe('the replay buffer', () => {
  it('never drops what a client waits for, nor keeps more than it may of the rest (property)', () => {
    const step = fc.record({ bytes: fc.integer({ min: 1, max: 400 }), sent: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 3_000 }), (steps, limit) => {
        const budget = new ByteBudget(limit);
        const limits = { maxReplayBytes: 1_000, maxReplayEvents: 10, replayMs: 1_000 };
        const buffer = new ReplayBuffer(limits, budget, () => 0);
        const kept = new Set<StreamEvent>();
        for (const { bytes, sent } of steps) {
          const event: StreamEvent = {
            number: 1,
            frame: Buffer.alloc(bytes),
            budgeted: false,
            sentAt: undefined,
            drop: () => kept.delete(event),
          };
          kept.add(event);
          buffer.keep(event);
          if (sent) buffer.sent(event);
          expect(kept.has(event) || sent).toBe(true);
        }
        const past = [...kept].filter(({ sentAt }) => sentAt !== undefined);
        const unsent = [...kept].filter(({ sentAt }) => sentAt === undefined).length;
        expect(past.length === 0 || kept.size <= Math.max(10, unsent)).toBe(true);
        expect(budget.used).toBeLessThanOrEqual(limit);
        buffer.clear();
        expect([budget.used, kept.size]).toEqual([0, 0]);
      }),
    );
  });
});
