import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Limits } from './limits.ts';
import { ask, callBody, RawClient } from './testing/clients.ts';
import { FakeMount } from './testing/fake-mount.ts';
import { startServer, stopServers } from './testing/start-server.ts';

afterEach(stopServers);

const token = 'agent-token';

async function startMcp(limits: Partial<Limits> = {}) {
  const mount = new FakeMount();
  return { ...(await startServer(limits, { mcp: mount })), mount };
}

function open(port: number, path: string, bearer = token): RawClient {
  const client = new RawClient(port);
  client.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bearer}\r\n\r\n`);
  return client;
}

describe('an exchange of MCP', () => {
  it('comes after the guard: no token, a bad one, an unknown upstream or another method get nothing of it', async () => {
    const { port, mount, log } = await startMcp();
    const none = await ask(port, '/mcp/mail', { body: '{}' });
    expect(none).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    expect(none.headers['www-authenticate']).toContain('Bearer');
    expect((await ask(port, '/mcp/mail', { token: 'nonsense' })).status).toBe(401);
    for (const path of [
      '/mcp/constructor',
      '/mcp/mail%2f..%2ffiles',
      '/mcp/..',
      '/mcp/',
      '/mcp//mail',
      '/mcp/mail/x',
    ])
      expect((await ask(port, path, { token })).status).toBe(404);
    expect((await ask(port, '/mcp/mail', { token, method: 'PUT' })).headers.allow).toBe('GET, POST, DELETE');
    expect((await ask(port, '/mcp/mail', { token, method: 'HEAD' })).status).toBe(405);
    // Who decides about actions asks for none.
    expect((await ask(port, '/mcp/mail', { token: 'approver-token', body: '{}' })).code).toBe('FORBIDDEN');
    expect(mount.seen).toEqual([]);
    expect(log[0]).toMatchObject({ tags: ['UNAUTHORIZED'], details: { route: '/mcp/:upstream' } });
  });

  it('is handed over with its body unread, whatever its type', async () => {
    const { port, mount } = await startMcp({ bodyBytes: 10 });
    const body = '{"a":1,"a":9007199254740993}';
    const headers = { 'content-type': 'application/x-anything', 'x-request-id': 'trace-1' };
    const came = await ask(port, '/mcp/mail', { token, body, headers });
    expect([came.status, came.text, came.headers['x-request-id']]).toEqual([200, body, 'trace-1']);
    expect(mount.seen[0]).toMatchObject({ upstream: 'mail', identity: { principal: { id: 'agent-1' } } });
    expect((await ask(port, '/mcp/files', { token, method: 'DELETE' })).status).toBe(204);
  });

  it('keeps our token from the upstream, and passes on the one that is the upstream’s', async () => {
    const { port, mount, tokens } = await startMcp();
    await ask(port, '/mcp/mail', { token, body: '{}' });
    expect(mount.seen[0]?.authorization).toBeUndefined();
    for (const own of [token, `Bearer ${token}`])
      await ask(port, '/mcp/mail', {
        token: 'for-the-upstream',
        body: '{}',
        headers: { 'x-fabric-token': own },
      });
    expect(mount.seen.slice(1).map(({ authorization }) => authorization)).toEqual(
      Array(2).fill('Bearer for-the-upstream'),
    );
    expect(tokens.seen.slice(1)).toEqual(Array(2).fill(`Bearer ${token}`));
    // Elsewhere that header says nothing: there, Authorization is ours.
    const headers = { 'x-fabric-token': token };
    expect((await ask(port, '/v1/authorize', { body: callBody('read'), headers })).status).toBe(401);
  });

  it.each([['authorization'], ['x-fabric-token']])('is refused with two %s headers', async (name) => {
    const { port, mount } = await startMcp();
    const client = new RawClient(port);
    const both = `${name}: Bearer ${token}\r\n${name}: Bearer host-token\r\n`;
    client.write(`POST /mcp/mail HTTP/1.1\r\nhost: x\r\n${both}content-length: 2\r\n\r\n{}`);
    await client.saw('came several');
    expect([client.statuses, mount.seen]).toEqual([[401], []]);
    client.socket.destroy();
  });

  it('that fails is answered with a problem, and the fault is in the log without its text', async () => {
    const { port, mount, log } = await startMcp();
    mount.fault = new Error('hunter2');
    const came = await ask(port, '/mcp/mail', { token, body: '{}' });
    expect(came).toMatchObject({ status: 500, code: 'INTERNAL' });
    expect(log[0]).toMatchObject({ event: 'request_failed', level: 'error' });
    expect(JSON.stringify([came.text, log])).not.toContain('hunter2');
  });

  it('may not come when there are too many, which takes no place from others', async () => {
    const { port, mount } = await startMcp({ maxStreams: 2, maxInFlight: 1 });
    const held = [open(port, '/mcp/mail'), open(port, '/mcp/mail')];
    for (const client of held) await client.saw('data:');
    expect(await ask(port, '/mcp/mail', { token })).toMatchObject({ status: 503, code: 'OVERLOADED' });
    expect((await ask(port, '/v1/authorize', { token, body: callBody('read') })).status).toBe(200);
    held[0]?.socket.destroy();
    await expect
      .poll(async () => (await ask(port, '/mcp/mail', { token, method: 'DELETE' })).status)
      .toBe(204);
    expect(mount.seen).toHaveLength(3);
    held[1]?.socket.destroy();
  });
});

describe('a stream', () => {
  it('outlasts every time limit of requests, and the connection is bounded again after it', async () => {
    const limits = {
      handlerTimeoutMs: 50,
      requestTimeoutMs: 200,
      headersTimeoutMs: 100,
      keepAliveTimeoutMs: 100,
    };
    const { port, log, metrics } = await startMcp(limits);
    const client = open(port, '/mcp/mail');
    await client.saw('data:');
    await sleep(600);
    const before = client.received.length;
    await expect.poll(() => client.received.length).toBeGreaterThan(before);
    expect(log).toEqual([]);
    client.socket.destroy();
    await expect.poll(() => log.length).toBe(1);
    const text = await metrics.registry.metrics();
    expect(text).toContain('route="/mcp/:upstream",status="499"} 1');
    // Its length is the client's choice: counted as latency it would drown everything else.
    expect(text).not.toMatch(/duration_seconds_count\{[^}]*mcp/);
  });

  it('ends with its token: revoked, or no longer to be checked', async () => {
    for (const end of ['revoked', 'fault'] as const) {
      const { port, tokens, log } = await startMcp({ streamCheckMs: 30 });
      const client = open(port, '/mcp/mail');
      const other = open(port, '/mcp/mail', 'host-token');
      await Promise.all([client.saw('data:'), other.saw('data:')]);
      await sleep(100);
      expect(client.closed).toBe(false);
      if (end === 'revoked') tokens.revoked.add(token);
      else tokens.fault = new Error('no keys');
      // The answer's last chunk: a whole one, so that the client asks again and hears why.
      await client.saw('0\r\n\r\n');
      if (end === 'revoked') expect(other.received).not.toContain('0\r\n\r\n');
      expect(log).toContainEqual(expect.objectContaining({ event: 'stream_ended', tags: ['AUTH_FAILED'] }));
      client.socket.destroy();
      other.socket.destroy();
    }
  });

  it('ends at once when the fabric shuts down, while calls in flight get their answer', async () => {
    const { port, mount, server } = await startMcp();
    mount.hold();
    const client = open(port, '/mcp/mail');
    await client.saw('data:');
    const call = ask(port, '/mcp/mail', { token, body: '{"id":1}' });
    await expect.poll(() => mount.seen.length).toBe(2);
    const closing = server.close();
    await client.ended();
    expect(client.received.endsWith('0\r\n\r\n')).toBe(true);
    mount.release();
    expect((await call).text).toBe('{"id":1}');
    await closing;
  });

  it('of a client that does not read ends with the fabric all the same', async () => {
    const { port, mount, server } = await startMcp({ shutdownMs: 300 });
    const headers = { authorization: `Bearer ${token}` };
    const sent = request({ port, host: '127.0.0.1', path: '/mcp/mail', headers });
    sent.on('response', (response) => response.pause());
    sent.on('error', () => undefined);
    sent.end();
    await expect.poll(() => mount.written.length).toBeGreaterThan(1);
    const began = performance.now();
    await server.close();
    expect(performance.now() - began).toBeLessThan(1500);
  });
});
