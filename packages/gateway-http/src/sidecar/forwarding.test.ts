import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EnforcementError } from '@provability-fabric/enforcement';
import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../metrics.ts';
import { ask, callBody } from '../testing/clients.ts';
import { startServer, stopServers } from '../testing/start-server.ts';
import { createForwarder } from './forwarder.ts';

const others: Server[] = [];
const forwarders: { close(): void }[] = [];

afterEach(async () => {
  for (const forwarder of forwarders.splice(0)) forwarder.close();
  await stopServers();
  for (const other of others.splice(0)) {
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
  }
});

const token = 'agent-token';

function elsewhere(address: string | null): EnforcementError {
  return new EnforcementError('SESSION_ELSEWHERE', 'another fabric owns this session', { address });
}

function forwarderWith(options: { timeoutMs?: number; answerBytes?: number } = {}) {
  const metrics = createMetrics();
  const forwarder = createForwarder({
    timeoutMs: 2000,
    answerBytes: 10_000,
    maxSockets: 8,
    metrics,
    ...options,
  });
  forwarders.push(forwarder);
  return { forwarder, metrics };
}

async function startOther(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  others.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

/** A fabric that is not the owner, and knows from its enforcer alone who is. */
async function startStranger(address: string | null, options = {}) {
  const { forwarder, metrics } = forwarderWith(options);
  const stranger = await startServer({}, { forwarder });
  stranger.enforcer.fault = elsewhere(address);
  return { ...stranger, metrics };
}

describe('a request for a session of another fabric', () => {
  it('is sent there once, with the same token and meaning, and its answer is the owner’s', async () => {
    const owner = await startServer();
    const { port, metrics, enforcer } = await startStranger(`http://127.0.0.1:${owner.port}`);
    owner.enforcer.release();
    const body = callBody('break', 'r1', '{"n":9007199254740993, "d": 1.50}');
    owner.enforcer.fault = new EnforcementError('EVIDENCE_UNAVAILABLE', 'the disk is full');
    const refused = await ask(port, '/v1/authorize', { token, body, headers: { 'x-request-id': 'trace-1' } });
    expect(refused).toMatchObject({ status: 503, code: 'EVIDENCE_UNAVAILABLE' });
    expect(refused.headers).toMatchObject({ 'retry-after': '1', 'x-request-id': 'trace-1' });
    expect(owner.enforcer.authorized).toEqual(enforcer.authorized);
    expect(owner.tokens.seen).toEqual([`Bearer ${token}`]);
    expect(await metrics.registry.metrics()).toContain('session_forwards_total{result="answered"} 1');
  });

  it('goes no further where two fabrics take each other for the owner', async () => {
    const first = await startServer();
    const { forwarder } = forwarderWith();
    const second = await startServer({}, { forwarder });
    second.enforcer.fault = elsewhere(`http://127.0.0.1:${first.port}`);
    first.enforcer.fault = elsewhere(`http://127.0.0.1:${second.port}`);
    const came = await ask(second.port, '/v1/authorize', { token, body: callBody('break') });
    expect(came).toMatchObject({ status: 409, code: 'SESSION_ELSEWHERE' });
    expect([first, second].map(({ enforcer }) => enforcer.authorized.length)).toEqual([1, 1]);
  });

  it('is not sent on by a fabric that got it from another one', async () => {
    let asked = 0;
    const address = await startOther((_request, response) => response.end(`${asked++}`));
    const { port } = await startStranger(address);
    const headers = { 'x-pf-forwarded': '1' };
    const came = await ask(port, '/v1/authorize', { token, body: callBody('break'), headers });
    expect([came.status, came.code, asked]).toEqual([409, 'SESSION_ELSEWHERE', 0]);
  });

  it('is a conflict where the owner has no address, or nobody forwards', async () => {
    const { port } = await startStranger(null);
    const came = await ask(port, '/v1/authorize', { token, body: callBody('break') });
    expect(came).toMatchObject({ status: 409, code: 'SESSION_ELSEWHERE' });
    const alone = await startServer();
    alone.enforcer.fault = elsewhere('http://127.0.0.1:9');
    expect((await ask(alone.port, '/v1/authorize', { token, body: callBody('break') })).status).toBe(409);
  });

  it('goes to the path of its own route, escaped anew, whatever its query says', async () => {
    const seen: unknown[][] = [];
    const address = await startOther(async (request, response) => {
      seen.push([request.url, request.headers['x-pf-forwarded'], await textOf(request)]);
      response.setHeader('content-type', 'application/json').end('{"session":"a/b"}');
    });
    const { port, enforcer } = await startStranger(address);
    enforcer.prompt = async () => {
      throw enforcer.fault;
    };
    const body = '{"text":"obey"}';
    const came = await ask(port, '/v1/sessions/a%2Fb/prompt?x=http://evil', { token: 'host-token', body });
    expect(came.json).toEqual({ session: 'a/b' });
    expect(seen).toEqual([['/v1/sessions/a%2Fb/prompt', '1', body]]);
  });

  it('is sent as single evaluations, with the id it got here', async () => {
    const seen: string[] = [];
    const address = await startOther(async (request, response) => {
      seen.push(`${request.url} ${await textOf(request)}`);
      response.setHeader('content-type', 'application/json').end('{"decision":true,"context":{}}');
    });
    const { port } = await startStranger(address);
    const whole = {
      subject: { type: 'agent', id: 'agent-1' },
      action: { name: 'call' },
      resource: { type: 'tool', id: 'break' },
    };
    const body = JSON.stringify({ ...whole, evaluations: [{}, { resource: { type: 'tool', id: 'read' } }] });
    const came = await ask(port, '/access/v1/evaluations', { token, body });
    expect(came.json).toMatchObject({ evaluations: [{ decision: true }, { decision: true }] });
    expect(seen).toEqual([
      '/access/v1/evaluation {"subject":{"type":"agent","id":"agent-1"},"action":{"name":"call"},"resource":{"type":"tool","id":"break"},"context":{"request_id":"new-0"}}',
    ]);
  });
});

describe('an owner', () => {
  const outcomes: [string, RequestListener][] = [
    [
      'that redirects',
      (_request, response) => response.writeHead(307, { location: 'http://evil.example/' }).end(),
    ],
    [
      'that answers with markup',
      (_request, response) => response.setHeader('content-type', 'text/html').end('<p>'),
    ],
    ['that breaks off', (_request, response) => response.destroy()],
    ['that never answers', () => undefined],
    [
      'that does not end its answer',
      (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{'),
    ],
    [
      'that answers too much',
      (_request, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(`"${'x'.repeat(20_000)}"`),
    ],
    [
      'that calls a status of its own a success',
      (_request, response) => response.writeHead(204, { 'content-type': 'application/json' }).end(),
    ],
  ];

  it.each(outcomes)(
    '%s is named, in time, and nothing of its answer gets through',
    async (_what, listener) => {
      const { port, metrics } = await startStranger(await startOther(listener), { timeoutMs: 300 });
      const came = await ask(port, '/v1/authorize', { token, body: callBody('break') });
      expect(came).toMatchObject({ status: 503, code: 'OWNER_UNREACHABLE' });
      expect(await metrics.registry.metrics()).toContain('session_forwards_total{result="failed"} 1');
    },
  );

  it('that is not there is named', async () => {
    const { port } = await startStranger('http://127.0.0.1:1');
    expect((await ask(port, '/v1/authorize', { token, body: callBody('break') })).code).toBe(
      'OWNER_UNREACHABLE',
    );
    const nonsense = await startStranger('no address');
    expect((await ask(nonsense.port, '/v1/authorize', { token, body: callBody('break') })).code).toBe(
      'OWNER_UNREACHABLE',
    );
  });
});
