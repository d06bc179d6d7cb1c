import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { httpUpstream, type MountedEndpoint, mount, stdioEverything } from './endpoint.fixture.ts';
import { type FakeServer, initialize, post, startFakeServer } from './fake-http-server.fixture.ts';

let server: FakeServer | undefined;
let mounted: MountedEndpoint | undefined;
afterEach(async () => {
  await mounted?.close();
  await server?.close();
});

async function start(limits = {}, more = {}): Promise<string> {
  server = await startFakeServer();
  mounted = await mount({ web: httpUpstream(server.url) }, { limits, ...more });
  return mounted.url('web');
}

const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } };
const code = (answer: { body: string }) => JSON.parse(answer.body).error.data.code;

describe('a hostile client over HTTP', () => {
  it('cannot use the session of another: to everybody else it is as unknown as one never given', async () => {
    const url = await start();
    const session = await initialize(url, { 'x-caller': 'anna' });
    const own = await post(url, CALL, { 'x-caller': 'anna', 'mcp-session-id': session });
    expect(own.status).toBe(200);
    const answers = [];
    for (const headers of [
      { 'x-caller': 'mallory', 'mcp-session-id': session },
      { 'x-caller': 'mallory', 'mcp-session-id': 'never-given' },
    ]) {
      for (const method of ['POST', 'GET', 'DELETE']) {
        const { status, body } = await post(url, method === 'POST' ? CALL : undefined, headers, method);
        answers.push(`${method} ${status} ${body}`);
      }
    }
    expect(answers.slice(0, 3)).toEqual(answers.slice(3));
    expect(answers.every((answer) => / 404 .*SESSION_UNKNOWN/.test(answer))).toBe(true);
    const all = await post(mounted?.url('all') ?? '', CALL, { 'mcp-session-id': session });
    expect(all.status).toBe(404); // nor is it another endpoint's
    expect(server?.calls).toBe(1);
    expect((await post(url, CALL, { 'mcp-session-id': session })).status).toBe(200); // it lives on
  });

  it('is told by name what it got wrong, and nothing of it goes on', async () => {
    const url = await start({ maxClientLineBytes: 10_000 });
    const session = await initialize(url);
    const own = { 'mcp-session-id': session };
    const wrong: [expected: string, status: number, body: unknown, headers: Record<string, string>][] = [
      ['PROTOCOL_VERSION', 400, CALL, { ...own, 'mcp-protocol-version': '2099-01-01' }],
      ['SESSION_MISSING', 400, CALL, {}],
      ['SESSION_BEGUN', 400, { ...CALL, method: 'initialize' }, own],
      ['NOT_ACCEPTABLE', 406, CALL, { ...own, accept: 'application/json' }],
      ['CONTENT_TYPE', 415, CALL, { ...own, 'content-type': 'text/plain' }],
      ['CONTENT_TYPE', 415, CALL, { ...own, 'content-encoding': 'gzip' }],
      ['MESSAGE_TOO_LARGE', 413, { ...CALL, params: { name: 'x'.repeat(20_000) } }, own],
      ['BATCH', 400, [CALL, { ...CALL, id: 2 }], own],
      ['NOT_A_MESSAGE', 400, '', own],
      ['NOT_A_MESSAGE', 400, '"text"', own],
      ['JSON_SYNTAX', 400, '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a\nb"}}', own],
      ['JSON_DUPLICATE_KEY', 400, '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', own],
      ['JSON_DEPTH', 400, `{"jsonrpc":"2.0","id":1,"method":"ping","params":${'['.repeat(4000)}`, own],
      ['HOST_REFUSED', 403, CALL, { ...own, host: 'evil.example' }],
      ['ORIGIN_REFUSED', 403, CALL, { ...own, origin: 'https://evil.example' }],
      ['ORIGIN_REFUSED', 403, CALL, { ...own, origin: 'null' }],
    ];
    for (const [expected, status, body, headers] of wrong) {
      const answer = await post(url, body, headers);
      expect([answer.status, code(answer)], expected).toEqual([status, expected]);
    }
    const put = await post(url, CALL, own, 'PUT');
    expect([put.status, put.headers.allow]).toEqual([405, 'GET, POST, DELETE']);
    expect((await post(mounted?.url('nobody') ?? '', CALL, own)).status).toBe(404);
    expect(server?.calls).toBe(0);
    expect(mounted?.decider.asked).toEqual([]);
  });

  it('may leave out the version, which then is 2025-03-26, and break lines between tokens', async () => {
    const url = await start();
    const session = await initialize(url);
    const pretty = JSON.stringify(CALL, undefined, 2).replaceAll('\n', '\r\n');
    const answer = await post(url, pretty, { 'mcp-session-id': session, 'mcp-protocol-version': '' });
    expect(answer.status).toBe(400); // an empty one is an unknown one
    const { status, body } = await post(url, pretty, { 'mcp-session-id': session });
    expect([status, body]).toEqual([200, expect.stringContaining('"id":1')]);
    expect(body).not.toMatch(/^data: ?$/m); // no priming event before 2025-11-25
    expect(server?.bodies.at(-1)).toBe(pretty.replaceAll(/[\r\n]/g, ' ')); // what was decided, byte for byte
  });

  it('that sends its body a byte at a time is cut off', async () => {
    const url = new URL(await start({ bodyTimeoutMs: 200 }));
    const socket = connect(Number(url.port), url.hostname);
    const heard: Buffer[] = [];
    socket.on('data', (chunk) => heard.push(chunk));
    socket.write(
      `POST ${url.pathname} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{`,
    );
    await new Promise((resolve) => socket.once('close', resolve));
    const text = Buffer.concat(heard).toString();
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toContain('connection: close');
  });

  it('cannot pile up bodies beyond what all of them may take', async () => {
    const url = await start({ maxBufferedBytes: 50_000, maxClientLineBytes: 40_000 });
    const session = await initialize(url);
    server?.hold();
    const big = (id: number) => ({
      ...CALL,
      id,
      params: { name: 'echo', arguments: { t: 'x'.repeat(30_000) } },
    });
    const first = post(url, big(1), { 'mcp-session-id': session });
    await server?.called(1);
    const second = await post(url, big(2), { 'mcp-session-id': session });
    expect([second.status, code(second), second.headers['retry-after']]).toEqual([
      503,
      'TOO_MANY_BYTES',
      '1',
    ]);
    server?.release();
    expect((await first).status).toBe(200);
    expect((await post(url, big(3), { 'mcp-session-id': session })).status).toBe(200);
  });

  it('cannot use an id twice at once, nor have more requests under way than may be', async () => {
    const url = await start({ maxPending: 2 });
    const session = await initialize(url);
    server?.hold();
    const own = { 'mcp-session-id': session };
    const first = post(url, CALL, own);
    await server?.called(1);
    expect(code(await post(url, CALL, own))).toBe('ID_IN_USE');
    const second = post(url, { ...CALL, id: 2 }, own);
    await server?.called(2);
    expect(code(await post(url, { ...CALL, id: 3 }, own))).toBe('TOO_MANY_PENDING');
    server?.release();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
  });

  it('that cancels is answered at once, whether or not the server obeys', async () => {
    const url = await start({ maxPending: 1 });
    const session = await initialize(url);
    server?.hold();
    const own = { 'mcp-session-id': session };
    const first = post(url, CALL, own);
    await server?.called(1);
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    expect((await post(url, cancelled, own)).status).toBe(202);
    expect((await first).body).toContain('CANCELLED');
    server?.release();
    await expect.poll(() => mounted?.decider.outcomes()).toEqual(['cert-1 done']); // it did not
    expect((await post(url, { ...CALL, id: 2 }, own)).body).toContain('"content":[]');
  });

  it('has one GET stream a session, and one that was ended is gone', async () => {
    const url = await start();
    const session = await initialize(url);
    const own = { 'mcp-session-id': session };
    const stream = await fetch(url, { headers: { ...own, accept: 'text/event-stream' } });
    expect(stream.status).toBe(200);
    const second = await post(url, undefined, own, 'GET');
    expect([second.status, code(second)]).toEqual([409, 'STREAM_OPEN']);
    expect((await post(url, undefined, own, 'DELETE')).status).toBe(200);
    await stream.text(); // it ends
    expect((await post(url, CALL, own)).status).toBe(404);
    expect(mounted?.endpoint.sessions()).toBe(0);
    await server?.ended(1); // and the server was told
  });

  it('that never reads is held back, and cut off in the end, without filling memory', async () => {
    const url = await start({ maxUnsentBytes: 100_000, slowClientMs: 300, maxReplayBytes: 100_000 });
    const session = await initialize(url);
    server?.flood();
    const address = new URL(url);
    const socket = connect(Number(address.port), address.hostname);
    socket.pause();
    const body = JSON.stringify(CALL);
    socket.write(
      `POST ${address.pathname} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\ncontent-type: application/json\r\nmcp-session-id: ${session}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    const before = process.memoryUsage().rss;
    await expect.poll(() => mounted?.eventNames(), { timeout: 10_000 }).toContain('mcp.slow-client-cut');
    expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(100);
    socket.destroy();
  });
});

describe('many sessions', () => {
  it('of one caller end with its longest idle one; of all together with a refusal', async () => {
    const url = await start({ maxSessions: 4, maxSessionsPerCaller: 2 });
    const [first, second] = [await initialize(url), await initialize(url)];
    const third = await initialize(url);
    expect((await post(url, CALL, { 'mcp-session-id': first })).status).toBe(404);
    expect((await post(url, CALL, { 'mcp-session-id': second })).status).toBe(200);
    expect((await post(url, CALL, { 'mcp-session-id': third })).status).toBe(200);
    for (const caller of ['ben', 'cleo']) await initialize(url, { 'x-caller': caller });
    const refused = await post(url, INITIALIZE, { 'x-caller': 'dora' });
    expect([refused.status, code(refused)]).toEqual([503, 'TOO_MANY_SESSIONS']);
  });

  it('start no more processes than may run', async () => {
    mounted = await mount({ local: stdioEverything() }, { limits: { maxProcesses: 1 } });
    const first = await initialize(mounted.url('local'));
    const refused = await post(mounted.url('local'), INITIALIZE);
    expect([refused.status, code(refused)]).toEqual([503, 'TOO_MANY_PROCESSES']);
    await post(mounted.url('local'), undefined, { 'mcp-session-id': first }, 'DELETE');
    await expect
      .poll(() => initialize(mounted?.url('local') ?? '').catch(() => ''), { timeout: 10_000 })
      .not.toBe('');
  });

  it('a thousand idle ones take little, and are ended after their time', async () => {
    let now = 0;
    const url = await start({ maxSessions: 1_000, maxSessionsPerCaller: 1_000 }, { now: () => now });
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 1_000; n += 20) {
      await Promise.all(Array.from({ length: 20 }, () => initialize(url)));
    }
    expect(mounted?.endpoint.sessions()).toBe(1_000);
    expect((process.memoryUsage().heapUsed - before) / 1_000).toBeLessThan(100_000);
    expect((await post(url, INITIALIZE, { 'x-caller': 'late' })).status).toBe(503);
    now += 10 * 60_000;
    await expect.poll(() => mounted?.endpoint.sessions(), { timeout: 20_000 }).toBe(0);
    expect((await post(url, INITIALIZE, { 'x-caller': 'late' })).status).toBe(200);
  });
});

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
};
