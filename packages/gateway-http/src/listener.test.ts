import { field } from '@provability-fabric/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { GatewayError } from './errors.ts';
import { ask, callBody, RawClient, rawPost } from './testing/clients.ts';
import { buildServer, startServer, stopServers } from './testing/start-server.ts';

afterEach(stopServers);

const token = 'agent-token';

describe('deciding', () => {
  it('answers an allowed action with its certificate', async () => {
    const { port, enforcer, log } = await startServer();
    const body = `{"request_id":"r1","action":{"kind":"read","uri":"file:///notes/a b.md"}}`;
    const wrong = await ask(port, '/v1/authorize', { token, body });
    expect(field(wrong.json, 'member')).toBe('action.uri');
    const came = await ask(port, '/v1/authorize', { token, body: body.replace('a b', 'a%20b') });
    expect(came.status).toBe(200);
    expect(came.headers['content-type']).toBe('application/json');
    expect(came.json).toEqual({
      effect: 'allow',
      verdict: 'accept',
      certificate_id: expect.stringMatching(/^[0-9a-f]{64}$/),
      session: 's1',
    });
    expect(enforcer.authorized).toEqual([
      {
        principal: { id: 'agent-1', roles: ['assistant'], org: 'acme', tenant: 'acme', attributes: {} },
        capability: { id: 'jti-1', caps: ['*'], expires: 4_000_000_000_000 },
        session: 's1',
        requestId: 'r1',
        action: { kind: 'read', target: 'file:///notes/a%20b.md', args: {} },
        epoch: 3,
        attributes: {},
      },
    ]);
    expect(log.at(-1)).toMatchObject({
      level: 'debug',
      event: 'request_served',
      details: { route: '/v1/authorize' },
    });
  });

  it('answers a refused action with code and clause, which is no error', async () => {
    const { port } = await startServer();
    const came = await ask(port, '/v1/authorize', { token, body: callBody('send') });
    expect(came.status).toBe(200);
    expect(came.json).toMatchObject({ effect: 'block', refusal: { code: 'LABEL_FLOW', clause: 'no-leak' } });
  });

  it('reads JSON with and without a content type', async () => {
    const { port } = await startServer();
    for (const type of [
      undefined,
      'application/json',
      'Application/JSON; charset=utf-8',
      'application/vnd.x+json',
    ]) {
      const headers = type === undefined ? {} : { 'content-type': type };
      const body = callBody('read', `r-${type?.length ?? 0}`);
      expect((await ask(port, '/v1/authorize', { token, body, headers })).status).toBe(200);
    }
  });

  it('keeps every digit of large integers on their way to the decision and to the record', async () => {
    const { port, enforcer } = await startServer();
    const body = callBody(
      'pay',
      'r1',
      '{"amount":9007199254740993,"huge":-123456789012345678901234567890,"x":1.5}',
    );
    const decided = await ask(port, '/v1/authorize', { token, body });
    const args = { amount: 9007199254740993n, huge: -123456789012345678901234567890n, x: 1.5 };
    expect(enforcer.authorized[0]?.action.args).toEqual(args);
    const certificate = field(decided.json, 'certificate_id');
    const result = '[18446744073709551615]';
    const outcome = `{"session":"s1","certificate_id":"${certificate}","outcome":"done","result":${result}}`;
    const settled = await ask(port, '/v1/outcome', { token, body: outcome });
    expect([settled.status, settled.text]).toEqual([200, '{}']);
    expect(enforcer.settled).toEqual([
      { tenant: 'acme', session: 's1', certificate, outcome: 'done', result: [18446744073709551615n] },
    ]);
  });

  it('leaves the session to the fabric where the token names none, and takes its outcome', async () => {
    const { port, enforcer } = await startServer();
    const decided = await ask(port, '/v1/authorize', { token: 'wandering-token', body: callBody('read') });
    expect(enforcer.authorized[0]?.session).toBeNull();
    expect(field(decided.json, 'session')).toBe('agent-1@1');
    const certificate = field(decided.json, 'certificate_id');
    const body = `{"session":"agent-1@1","certificate_id":"${certificate}","outcome":"ambiguous"}`;
    expect((await ask(port, '/v1/outcome', { token: 'wandering-token', body })).status).toBe(200);
    expect(enforcer.settled[0]?.result).toBeNull();
  });

  it('takes the prompt from the host, for an agent of its own tenant', async () => {
    const { port, enforcer } = await startServer();
    const body = '{"text":"summarise my mail","principal":"agent-1"}';
    const came = await ask(port, '/v1/sessions/team%2Fs1/prompt', { token: 'host-token', body });
    expect(came.json).toEqual({ session: 'team/s1' });
    expect(enforcer.prompts).toEqual([
      {
        principal: { id: 'agent-1', roles: [], org: 'acme', tenant: 'acme', attributes: {} },
        session: 'team/s1',
        text: 'summarise my mail',
      },
    ]);
  });

  it('answers pipelined requests in their order', async () => {
    const { port } = await startServer();
    const client = new RawClient(port);
    const ids = ['a', 'b', 'c'].map((id) =>
      rawPost('/v1/authorize', token, callBody(id === 'b' ? 'send' : 'read', id)),
    );
    client.write(ids.join(''));
    await expect.poll(() => client.statuses.length).toBe(3);
    const effects = [...client.received.matchAll(/"effect":"(\w+)"/g)].map((match) => match[1]);
    expect(effects).toEqual(['allow', 'block', 'allow']);
    client.socket.destroy();
  });

  it('gives a request its own id back, and a new one for an id that could confuse a log', async () => {
    const { port } = await startServer();
    const id = async (given: string) =>
      (await ask(port, '/livez', { headers: { 'x-request-id': given } })).headers['x-request-id'];
    expect(await id('trace-1')).toBe('trace-1');
    expect(await id('{"level":"info"}')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('says nothing about what it is made of', async () => {
    const { port } = await startServer();
    const { headers } = await ask(port, '/livez');
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers.server).toBeUndefined();
    expect(headers['cache-control']).toBe('no-store');
  });
});

describe('operations', () => {
  it('reports what does not work', async () => {
    const { port, condition } = await startServer();
    condition.problems = [{ component: 'evidence', problem: 'the disk is full' }];
    const came = await ask(port, '/health');
    expect([came.status, came.json]).toEqual([
      503,
      {
        status: 'unhealthy',
        uptime: 12.5,
        problems: [{ component: 'evidence', problem: 'the disk is full' }],
      },
    ]);
  });

  it('reports health, life and readiness', async () => {
    const { port, condition } = await startServer();
    expect((await ask(port, '/health')).json).toEqual({ status: 'healthy', uptime: 12.5 });
    expect((await ask(port, '/health', { method: 'HEAD' })).status).toBe(200);
    expect((await ask(port, '/livez')).status).toBe(200);
    expect((await ask(port, '/readyz')).status).toBe(200);
    condition.ready = false;
    expect((await ask(port, '/readyz')).status).toBe(503);
  });

  it('counts requests by pattern, whatever the path', async () => {
    const { port } = await startServer();
    for (const sid of ['a', 'b', 'c']) await ask(port, `/v1/sessions/${sid}/prompt`, { token, body: '{}' });
    await ask(port, '/some/path', { method: 'PROPFIND' });
    const came = await ask(port, '/metrics');
    expect(came.headers['content-type']).toContain('text/plain');
    const service = 'service="sidecar-watcher"';
    const route = 'route="/v1/sessions/:sid/prompt"';
    const prompts = `http_requests_total{${service},method="POST",${route},status="403"} 3`;
    expect(came.text).toContain(prompts);
    expect(came.text).toContain(
      `http_requests_total{${service},method="OTHER",route="unmatched",status="404"} 1`,
    );
    expect(came.text).toContain(`http_request_duration_seconds_count{${service},route="unmatched"} 1`);
    expect(came.text).toContain('process_cpu_seconds_total');
  });
});

describe('starting', () => {
  it('names a port in use and the mend', async () => {
    const { port } = await startServer();
    const { server } = buildServer();
    const failed = await server.listen({ host: '127.0.0.1', port }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(GatewayError);
    const mend = 'stop what listens there or choose another with --listen';
    const message = `port ${port} on 127.0.0.1 is in use: ${mend}`;
    expect(failed).toMatchObject({ code: 'PORT_IN_USE', message });
    // The operator may try again with another one.
    expect((await server.listen({ host: '127.0.0.1', port: 0 })).port).toBeGreaterThan(0);
  });

  it('names any other address that cannot be had', async () => {
    const { server } = buildServer();
    await expect(server.listen({ host: '192.0.2.1', port: 8080 })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining('EADDRNOTAVAIL'),
    });
  });
});

describe('shutting down', () => {
  it('loses nothing that is in flight', async () => {
    const { server, port, enforcer } = await startServer();
    const ids = Array.from({ length: 20 }, (_, i) => `r${i}`);
    const waiting = ids.map((id) => ask(port, '/v1/authorize', { token, body: callBody('wait', id) }));
    const half = new RawClient(port);
    const last = rawPost('/v1/authorize', token, callBody('read', 'half'));
    half.write(last.slice(0, -10));
    const kept = new RawClient(port);
    kept.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
    await kept.saw('alive');
    await expect.poll(() => enforcer.authorized.length).toBe(20);

    const closing = server.close();
    expect(server.close()).toBe(closing);
    await expect(ask(port, '/livez')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await kept.ended();
    half.write(last.slice(-10));
    await half.saw('"effect":"allow"');
    enforcer.release();
    const came = await Promise.all(waiting);
    expect(came.map(({ status }) => status)).toEqual(ids.map(() => 200));
    expect(came[0]?.headers.connection).toBe('close');
    await closing;
  });

  it('turns away what comes later on a connection still in use', async () => {
    const { server, port, enforcer } = await startServer();
    const client = new RawClient(port);
    client.write(rawPost('/v1/authorize', token, callBody('wait')));
    await expect.poll(() => enforcer.authorized.length).toBe(1);
    const closing = server.close();
    client.write(rawPost('/v1/authorize', token, callBody('read', 'late')));
    await new Promise((resolve) => setTimeout(resolve, 30));
    enforcer.release();
    await closing;
    await client.ended();
    // The first answer already says that it is the connection's last.
    expect(client.statuses[0]).toBe(200);
    expect(client.received.toLowerCase()).toContain('connection: close');
    expect(enforcer.authorized.length).toBe(1);
  });

  it('does not wait for ever', async () => {
    const { server, port, enforcer } = await startServer({ shutdownMs: 100 });
    const client = new RawClient(port);
    client.write(rawPost('/v1/authorize', token, callBody('wait')));
    await expect.poll(() => enforcer.authorized.length).toBe(1);
    const idle = new RawClient(port);
    const began = performance.now();
    await server.close();
    expect(performance.now() - began).toBeLessThan(1000);
    await client.ended();
    await idle.ended();
  });

  it('closes what never listened', async () => {
    const { server } = buildServer();
    await server.close();
    await server.close();
  });
});
