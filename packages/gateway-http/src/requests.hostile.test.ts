import { setTimeout as sleep } from 'node:timers/promises';
import { EnforcementError } from '@provability-fabric/enforcement';
import { field } from '@provability-fabric/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, callBody, RawClient, rawPost } from './testing/clients.ts';
import { type Started, startServer, stopServers } from './testing/start-server.ts';

afterEach(stopServers);

const AUTHORIZE = '/v1/authorize';
const SECRET = 'hunter2-swordfish';

describe('a request without a token that holds', () => {
  it('is refused when there is no token, before its body is looked at', async () => {
    const { port, enforcer, log, metrics } = await startServer();
    const came = await ask(port, AUTHORIZE, { body: '{not json' });
    expect([came.status, came.code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(came.headers['www-authenticate']).toBe('Bearer realm="provability-fabric"');
    expect(came.headers['content-type']).toBe('application/problem+json');
    expect(enforcer.authorized).toEqual([]);
    expect(log[0]).toMatchObject({ level: 'warn', event: 'request_refused', tags: ['UNAUTHORIZED'] });
    expect(await metrics.registry.metrics()).toContain('auth_failures_total 1');
  });

  it('is refused with a bad token, and the token is in neither answer nor log', async () => {
    const { port, log } = await startServer();
    const came = await ask(port, AUTHORIZE, { token: SECRET, body: callBody('read') });
    expect([came.status, came.code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(came.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(log[0]?.tags).toEqual(['AUTH_FAILED']);
    expect(JSON.stringify([came.text, came.headers, log])).not.toContain(SECRET);
  });

  it('names the algorithm that was expected, as the verifier does', async () => {
    const { port } = await startServer();
    const came = await ask(port, AUTHORIZE, { token: 'none-eyJ', body: callBody('read') });
    expect(field(came.json, 'detail')).toBe('expected a token signed with `EdDSA`, came `none`');
  });

  it('is told apart when the token has expired', async () => {
    const { port } = await startServer();
    const came = await ask(port, AUTHORIZE, { token: 'old-token', body: callBody('read') });
    expect([came.status, came.code]).toEqual([401, 'CAP_EXPIRED']);
  });

  it('is refused with two authorization headers, which two readers could take differently', async () => {
    const { port, tokens } = await startServer();
    const client = new RawClient(port);
    const both = 'authorization: Bearer agent-token\r\nauthorization: Bearer host-token\r\n';
    client.write(`POST ${AUTHORIZE} HTTP/1.1\r\nhost: x\r\n${both}content-length: 2\r\n\r\n{}`);
    await client.saw('came several');
    expect(client.statuses).toEqual([401]);
    expect(tokens.seen).toEqual([]);
    client.socket.destroy();
  });

  it('is not let in when tokens cannot be checked', async () => {
    const { port, tokens, enforcer } = await startServer();
    tokens.fault = new Error(SECRET);
    const came = await ask(port, AUTHORIZE, { token: 'agent-token', body: callBody('read') });
    expect([came.status, came.code]).toEqual([500, 'INTERNAL']);
    expect(enforcer.authorized).toEqual([]);
  });
});

describe('a token that is good for something else', () => {
  const outcome = (session: string) =>
    `{"session":"${session}","certificate_id":"${'a'.repeat(64)}","outcome":"done"}`;

  it.each([
    [
      'another session than its own',
      'agent-token',
      AUTHORIZE,
      callBody('read').replace('{', '{"session":"s2",'),
    ],
    [
      'a session of its own choice',
      'wandering-token',
      AUTHORIZE,
      callBody('read').replace('{', '{"session":"s2",'),
    ],
    [
      'its own earlier session',
      'wandering-token',
      AUTHORIZE,
      callBody('read').replace('{', '{"session":"agent-1@0",'),
    ],
    ['an outcome in another session', 'agent-token', '/v1/outcome', outcome('s2')],
    ['the prompt, being an agent', 'agent-token', '/v1/sessions/s1/prompt', '{"text":"obey"}'],
    ['the prompt of another session', 'host-of-s1-token', '/v1/sessions/s2/prompt', '{"text":"obey"}'],
  ])('cannot be used for %s', async (_what, token, path, body) => {
    const { port, enforcer, log } = await startServer();
    const came = await ask(port, path, { token, body });
    expect([came.status, came.code]).toEqual([403, 'FORBIDDEN']);
    expect([enforcer.authorized, enforcer.settled, enforcer.prompts]).toEqual([[], [], []]);
    expect(log[0]).toMatchObject({ tags: ['FORBIDDEN'], details: { tenant: 'acme' } });
  });
});

describe('a hostile body', () => {
  const post = ({ port }: Started, body: string | Uint8Array, headers = {}) =>
    ask(port, AUTHORIZE, { token: 'agent-token', body, headers });

  it.each([
    ['is no JSON', '{"request_id":', 'JSON_SYNTAX'],
    ['is empty', ' ', 'JSON_SYNTAX'],
    ['has a key twice', callBody('read').replace('{', '{"request_id":"r0",'), 'JSON_DUPLICATE_KEY'],
    ['has a key twice deep inside', callBody('read', 'r1', '{"a":[{"b":1,"b":2}]}'), 'JSON_DUPLICATE_KEY'],
    ['has half a surrogate pair', callBody('read', 'r1', '{"a":"\\ud800"}'), 'JSON_LONE_SURROGATE'],
    ['has a number beyond all doubles', callBody('read', 'r1', '{"a":1e999}'), 'JSON_NUMBER_RANGE'],
    ['is a million levels deep', '['.repeat(1_000_000), 'JSON_DEPTH'],
    ['is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'JSON_UTF8'],
    ['begins with a byte order mark', `\ufeff${callBody('read')}`, 'JSON_UTF8'],
    ['is not an object', '[]', 'REQUEST_MALFORMED'],
    [
      'sets a prototype',
      callBody('read').replace('{', '{"__proto__":{"session":"s2"},'),
      'REQUEST_MALFORMED',
    ],
    ['has a constructor', callBody('read').replace('{', '{"constructor":{},'), 'REQUEST_MALFORMED'],
  ])('that %s is refused by name', async (_what, body, code) => {
    const started = await startServer();
    const came = await post(started, body);
    expect([came.status, came.code]).toEqual([400, code]);
    expect(started.enforcer.authorized).toEqual([]);
  });

  it('that is missing is refused', async () => {
    const { port } = await startServer();
    const came = await ask(port, AUTHORIZE, {
      method: 'POST',
      token: 'agent-token',
      headers: { 'content-length': '0' },
    });
    expect(came.json).toMatchObject({ code: 'REQUEST_MALFORMED', member: 'body', came: 'nothing' });
  });

  it('with prototype keys among the arguments passes them on as the plain keys that they are', async () => {
    const started = await startServer();
    const came = await post(started, callBody('read', 'r1', '{"__proto__":{"admin":true},"constructor":1}'));
    expect(came.status).toBe(200);
    const args = started.enforcer.authorized[0]?.action.args;
    expect(Object.keys(args as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
  });

  it('of 10 MB is refused with an answer that the client can read, and the connection goes on', async () => {
    const started = await startServer();
    const came = await post(started, callBody('read', 'r1', `{"a":"${'x'.repeat(10_000_000)}"}`));
    expect([came.status, came.code]).toEqual([413, 'BODY_TOO_LARGE']);
    const client = new RawClient(started.port);
    client.write(rawPost(AUTHORIZE, 'agent-token', 'x'.repeat(10_000_000)));
    client.write(rawPost(AUTHORIZE, 'agent-token', callBody('read')));
    await client.saw('"effect":"allow"');
    expect(client.statuses).toEqual([413, 200]);
    client.socket.destroy();
  });

  it('of 10 MB in chunks, announcing no length, is refused as well', async () => {
    const started = await startServer();
    const headers = { 'transfer-encoding': 'chunked' };
    const came = await post(started, callBody('read', 'r1', `{"a":"${'x'.repeat(10_000_000)}"}`), headers);
    expect([came.status, came.code]).toEqual([413, 'BODY_TOO_LARGE']);
  });

  it('without end is cut off', async () => {
    const { port } = await startServer({ bodyBytes: 1000 });
    const client = new RawClient(port);
    client.write(`POST ${AUTHORIZE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer agent-token\r\n`);
    client.write('transfer-encoding: chunked\r\n\r\n');
    await sleep(20);
    for (let sent = 0; sent < 100 && !client.closed; sent++) {
      client.write(`3e8\r\n${'x'.repeat(1000)}\r\n`);
      await sleep(1);
    }
    await client.ended();
    expect(client.statuses).toEqual([413]);
  });

  it.each([
    ['is compressed', { 'content-encoding': 'gzip' }],
    ['is a form with files', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['has a nonsense type', { 'content-type': 'json' }],
  ])('that %s is refused', async (_what, headers) => {
    const came = await post(await startServer(), callBody('read'), headers);
    expect([came.status, came.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it('that is a form in truth is no JSON, whatever `curl -d` calls its JSON', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const started = await startServer();
    const came = await post(started, 'tool=read&args=x', form);
    expect([came.status, came.code]).toEqual([400, 'JSON_SYNTAX']);
    expect((await post(started, callBody('read'), form)).status).toBe(200);
  });

  it('is answered without any value out of it', async () => {
    const started = await startServer();
    const bodies = [
      `{"request_id":["${SECRET}"]}`,
      callBody('read').replace('{', `{"${SECRET} x":1,`),
      callBody(`${SECRET} x`),
      callBody('read', 'r1', `"${SECRET}"`),
      `{"a":"${SECRET}`,
    ];
    for (const body of bodies) {
      const came = await post(started, body);
      expect(came.status).toBe(400);
      expect(came.text).not.toContain(SECRET);
    }
    expect(JSON.stringify(started.log)).not.toContain(SECRET);
  });
});

describe('a request that leads nowhere', () => {
  it.each([
    ['an unknown path', 'GET', '/v2/authorize', 404, 'NOT_FOUND'],
    ['a path of the prototype', 'POST', '/__proto__', 404, 'NOT_FOUND'],
    ['a path with a broken escape', 'POST', '/v1/sessions/%zz/prompt', 400, 'REQUEST_MALFORMED'],
    ['a path part without end', 'POST', `/v1/sessions/${'s'.repeat(1000)}/prompt`, 400, 'REQUEST_MALFORMED'],
    ['another method', 'PUT', AUTHORIZE, 405, 'METHOD_NOT_ALLOWED'],
    ['another method on a path with a parameter', 'GET', '/v1/sessions/s1/prompt', 405, 'METHOD_NOT_ALLOWED'],
    ['a rare method', 'PROPFIND', '/health', 405, 'METHOD_NOT_ALLOWED'],
  ])('gets a problem for %s', async (_what, method, path, status, code) => {
    const { port, log } = await startServer();
    const came = await ask(port, path, { method, token: 'agent-token' });
    expect([came.status, came.code]).toEqual([status, code]);
    expect(log[0]?.details.route).toBe('unmatched');
    if (status === 405) expect(came.headers.allow).toMatch(/^(POST|GET, HEAD)$/);
  });

  it('has a body that is not even read', async () => {
    const { port } = await startServer();
    expect((await ask(port, '/nowhere', { body: '{"a":1,"a":2}' })).code).toBe('NOT_FOUND');
  });
});

describe('a failure behind the routes', () => {
  it.each([
    ['REQUEST_CONFLICT', 409, 'REQUEST_CONFLICT'],
    ['SESSION_BUSY', 503, 'SESSION_BUSY'],
    ['EVIDENCE_UNAVAILABLE', 503, 'EVIDENCE_UNAVAILABLE'],
    ['SESSION_CORRUPT', 500, 'SESSION_CORRUPT'],
    ['CLOSED', 503, 'SHUTTING_DOWN'],
  ] as const)('of kind %s is answered with %i', async (kind, status, code) => {
    const { port, enforcer } = await startServer();
    enforcer.fault = new EnforcementError(kind, 'expected one thing, came another');
    const came = await ask(port, AUTHORIZE, { token: 'agent-token', body: callBody('break') });
    expect([came.status, came.code]).toEqual([status, code]);
    expect(came.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
  });

  it.each([
    ['an error', new Error(`cannot read ${SECRET}\n    at ${SECRET}`)],
    ['no error at all', SECRET],
  ])('that is %s nobody foresaw tells the client nothing, and the log no payload', async (_what, fault) => {
    const { port, enforcer, log } = await startServer();
    enforcer.fault = fault;
    const came = await ask(port, AUTHORIZE, { token: 'agent-token', body: callBody('break') });
    expect([came.status, came.code]).toEqual([500, 'INTERNAL']);
    expect(field(came.json, 'detail')).toBeUndefined();
    expect(log[0]).toMatchObject({ level: 'error', event: 'request_failed' });
    expect(JSON.stringify([came.text, log])).not.toContain(SECRET);
  });

  it('that hangs is answered in time', async () => {
    const { port } = await startServer({ handlerTimeoutMs: 60 });
    const came = await ask(port, AUTHORIZE, { token: 'agent-token', body: callBody('wait') });
    expect([came.status, came.code]).toEqual([503, 'TIMEOUT']);
  });

  it('is a conflict when a request id comes again with other content', async () => {
    const { port } = await startServer();
    await ask(port, AUTHORIZE, { token: 'agent-token', body: callBody('read', 'r1', '{"a":1}') });
    const came = await ask(port, AUTHORIZE, {
      token: 'agent-token',
      body: callBody('read', 'r1', '{"a":2}'),
    });
    expect([came.status, came.code]).toEqual([409, 'REQUEST_CONFLICT']);
  });

  it('is a refusal when nothing was allowed that an outcome could belong to', async () => {
    const { port } = await startServer();
    const body = `{"session":"s1","certificate_id":"${'a'.repeat(64)}","outcome":"done"}`;
    const came = await ask(port, '/v1/outcome', { token: 'agent-token', body });
    expect([came.status, came.code]).toEqual([409, 'OUTCOME_REFUSED']);
  });
});
