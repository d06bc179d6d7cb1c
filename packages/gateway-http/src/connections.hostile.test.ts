import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, callBody, RawClient, rawPost } from './testing/clients.ts';
import { startServer, stopServers } from './testing/start-server.ts';

afterEach(stopServers);

const AUTHORIZE = '/v1/authorize';

describe('a hostile connection', () => {
  it('that dribbles its headers is ended', async () => {
    const { port } = await startServer({ headersTimeoutMs: 200, requestTimeoutMs: 400 });
    const client = new RawClient(port);
    client.write(`POST ${AUTHORIZE} HTTP/1.1\r\nhost: x\r\n`);
    const dribble = setInterval(() => client.write('x-a: b\r\n'), 30);
    await client.ended();
    clearInterval(dribble);
    expect(client.statuses).toEqual([408]);
    expect(client.received).toContain('REQUEST_TIMEOUT');
  });

  it('that dribbles its body is ended', async () => {
    const { port, enforcer } = await startServer({ headersTimeoutMs: 200, requestTimeoutMs: 300 });
    const client = new RawClient(port);
    const body = callBody('read');
    client.write(rawPost(AUTHORIZE, 'agent-token', body).slice(0, -body.length));
    const dribble = setInterval(() => client.write(' '), 30);
    await client.ended();
    clearInterval(dribble);
    expect(client.statuses).toEqual([408]);
    expect(enforcer.authorized).toEqual([]);
  });

  it('that opens and says nothing is ended', async () => {
    const { port } = await startServer({ headersTimeoutMs: 100, requestTimeoutMs: 200 });
    const client = new RawClient(port);
    await client.ended();
  });

  it('that sends garbage is told so and closed, and the server goes on', async () => {
    const { port, metrics } = await startServer();
    const client = new RawClient(port);
    client.write('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this is TLS\r\n\r\n');
    await client.ended();
    expect(client.statuses).toEqual([400]);
    expect((await ask(port, '/livez')).status).toBe(200);
    expect(await metrics.registry.metrics()).toMatch(
      /http_requests_total\{[^}]*route="unmatched",status="400"\} 1/,
    );
  });

  it('that pipelines garbage behind a request gets the answer to its request first', async () => {
    const { port, enforcer } = await startServer();
    const client = new RawClient(port);
    client.write(`${rawPost(AUTHORIZE, 'agent-token', callBody('wait'))}\x00\x01garbage\r\n\r\n`);
    await expect.poll(() => enforcer.authorized.length).toBe(1);
    await sleep(30);
    expect(client.received).toBe('');
    enforcer.release();
    await client.ended();
    expect(client.statuses).toEqual([200, 400]);
  });

  it('that breaks off its chunks in the middle is told so', async () => {
    const { port, enforcer } = await startServer();
    const client = new RawClient(port);
    client.write(`POST ${AUTHORIZE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer agent-token\r\n`);
    client.write('transfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\nZZZ\r\n');
    await client.ended();
    expect(client.statuses).toEqual([400]);
    expect(enforcer.authorized).toEqual([]);
  });

  it('with headers too long is refused', async () => {
    const { port } = await startServer();
    const client = new RawClient(port);
    client.write(`GET /health HTTP/1.1\r\nhost: x\r\nx-long: ${'y'.repeat(40_000)}\r\n\r\n`);
    await client.ended();
    expect(client.statuses).toEqual([431]);
  });

  it('that smuggles a second length is refused', async () => {
    const { port, enforcer } = await startServer();
    const client = new RawClient(port);
    const lengths = 'content-length: 4\r\ntransfer-encoding: chunked\r\n';
    client.write(
      `POST ${AUTHORIZE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer agent-token\r\n${lengths}\r\n0\r\n\r\n`,
    );
    await client.ended();
    expect(client.statuses).toEqual([400]);
    expect(enforcer.authorized).toEqual([]);
  });

  it('that goes away before its answer frees its place', async () => {
    const { port, enforcer, log } = await startServer({ maxInFlight: 1 });
    const client = new RawClient(port);
    client.write(rawPost(AUTHORIZE, 'agent-token', callBody('wait')));
    await expect.poll(() => enforcer.authorized.length).toBe(1);
    client.socket.destroy();
    await expect.poll(() => log.length).toBe(1);
    expect(log[0]?.details.status).toBe(499);
    const body = callBody('read', 'r2');
    // The work itself still goes on, and counts.
    expect((await ask(port, AUTHORIZE, { token: 'agent-token', body })).code).toBe('OVERLOADED');
    enforcer.release();
    await expect
      .poll(async () => (await ask(port, AUTHORIZE, { token: 'agent-token', body })).status)
      .toBe(200);
  });

  it('that pipelines and goes away frees the places of all its requests', async () => {
    const { port, enforcer, log } = await startServer({ maxInFlight: 3 });
    const client = new RawClient(port);
    client.write(
      ['a', 'b', 'c'].map((id) => rawPost(AUTHORIZE, 'agent-token', callBody('wait', id))).join(''),
    );
    await expect.poll(() => enforcer.authorized.length).toBe(3);
    client.socket.destroy();
    await expect.poll(() => log.length).toBe(3);
    enforcer.release();
    const three = ['d', 'e', 'f'].map((id) =>
      ask(port, AUTHORIZE, { token: 'agent-token', body: callBody('wait', id) }),
    );
    expect((await Promise.all(three)).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('beyond the number of connections is not served', async () => {
    const { port } = await startServer({ maxConnections: 2 });
    const held = [new RawClient(port), new RawClient(port)];
    for (const client of held) {
      client.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
      await client.saw('alive');
    }
    const third = new RawClient(port);
    await third.ended();
    expect(third.received).toBe('');
    for (const client of held) client.socket.destroy();
  });
});

describe('too many requests', () => {
  it('from one client are turned away with a time to come back, and probes still answer', async () => {
    const { port } = await startServer({ burst: 2, requestsPerSecond: 0.001 });
    const codes: unknown[] = [];
    for (let i = 0; i < 4; i++) codes.push((await ask(port, AUTHORIZE, { body: '{}' })).status);
    expect(codes).toEqual([401, 401, 429, 429]);
    const came = await ask(port, AUTHORIZE, { token: 'agent-token', body: callBody('read') });
    expect(came.code).toBe('RATE_LIMITED');
    expect(Number(came.headers['retry-after'])).toBeGreaterThan(100);
    expect((await ask(port, '/livez')).status).toBe(200);
  });

  it('at one time are turned away', async () => {
    const { port, enforcer } = await startServer({ maxInFlight: 2 });
    const waiting = ['a', 'b'].map((id) =>
      ask(port, AUTHORIZE, { token: 'agent-token', body: callBody('wait', id) }),
    );
    await expect.poll(() => enforcer.authorized.length).toBe(2);
    const came = await ask(port, AUTHORIZE, { token: 'agent-token', body: callBody('read') });
    expect([came.status, came.code, came.headers['retry-after']]).toEqual([503, 'OVERLOADED', '1']);
    enforcer.release();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('with large bodies at one time are turned away before their bodies are taken', async () => {
    const { port, enforcer } = await startServer({ maxInFlightBytes: 2000 });
    const large = (id: string, tool: string) => callBody(tool, id, `{"a":"${'x'.repeat(1500)}"}`);
    const first = ask(port, AUTHORIZE, { token: 'agent-token', body: large('a', 'wait') });
    await expect.poll(() => enforcer.authorized.length).toBe(1);
    const second = await ask(port, AUTHORIZE, { token: 'agent-token', body: large('b', 'read') });
    expect(second.code).toBe('OVERLOADED');
    enforcer.release();
    expect((await first).status).toBe(200);
  });
});
