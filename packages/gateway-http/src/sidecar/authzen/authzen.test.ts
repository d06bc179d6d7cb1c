import { field, type JsonObject, type JsonValue, stringifyJson } from '@provability-fabric/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { type Ask, ask } from '../../testing/clients.ts';
import { startServer, stopServers } from '../../testing/start-server.ts';

// What the standard's own conformance scenario asks for (openid/authzen, certification/), but for decisions that its
// fixture expects of a policy; and what it leaves to us.

afterEach(stopServers);

const EVALUATION = '/access/v1/evaluation';
const EVALUATIONS = '/access/v1/evaluations';
const subject = { type: 'agent', id: 'agent-1' };
const action = { name: 'call' };
const tool = (id: string) => ({ type: 'tool', id });
const whole = { subject, action, resource: tool('read') };

const post = (port: number, path: string, body: JsonValue, more: Ask = {}) =>
  ask(port, path, { token: 'agent-token', body: stringifyJson(body), ...more });
const decisions = (json: JsonValue) =>
  (field(json, 'evaluations') as JsonValue[]).map((evaluation) => field(evaluation, 'decision'));

describe('an evaluation that somebody must not have', () => {
  it.each([
    ['for another principal', { ...whole, subject: { type: 'agent', id: 'agent-2' } }],
    ['in another session', { ...whole, context: { session: 's2' } }],
  ])('is refused %s', async (_what, body) => {
    const { port, enforcer } = await startServer();
    expect(await post(port, EVALUATION, body)).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect(enforcer.authorized).toEqual([]);
  });

  it('is refused without a token', async () => {
    const { port } = await startServer();
    expect((await ask(port, EVALUATION, { body: '{}' })).status).toBe(401);
  });

  it('is had by a host for the agents of its own tenant, who get no roles from it', async () => {
    const { port, enforcer } = await startServer();
    const body = { ...whole, subject: { type: 'agent', id: 'agent-2', properties: { roles: ['admin'] } } };
    expect((await post(port, EVALUATION, body, { token: 'host-token' })).status).toBe(200);
    expect(enforcer.authorized[0]).toMatchObject({
      principal: { id: 'agent-2', roles: [], tenant: 'acme', attributes: {} },
      attributes: { subject: { roles: ['admin'] } },
    });
  });
});

describe('an evaluation', () => {
  it('is a decision like any other: true only where it is allowed, with its certificate and reason', async () => {
    const { port } = await startServer();
    const allowed = await post(port, EVALUATION, whole);
    expect(allowed.headers['content-type']).toBe('application/json');
    expect(allowed.json).toEqual({
      decision: true,
      context: { effect: 'allow', verdict: 'accept', certificate_id: expect.any(String), session: 's1' },
    });
    const denied = await post(port, EVALUATION, { ...whole, resource: tool('send') });
    expect(denied).toMatchObject({
      status: 200,
      json: { decision: false, context: { effect: 'block', reason: 'LABEL_FLOW', clause: 'no-leak' } },
    });
  });

  it.each([
    [
      { name: 'call', properties: { to: 'x', n: 9007199254740993n } },
      { type: 'tool', id: 'pay' },
      { kind: 'call', target: 'pay', args: { to: 'x', n: 9007199254740993n } },
    ],
    [
      { name: 'read' },
      { type: 'uri', id: 'file:///notes/a' },
      { kind: 'read', target: 'file:///notes/a', args: {} },
    ],
    [
      { name: 'delete', properties: { soft: true } },
      { type: 'record', id: 'record 1', properties: { status: 'active' } },
      {
        kind: 'call',
        target: 'record.delete',
        args: { id: 'record 1', resource: { status: 'active' }, action: { soft: true } },
      },
    ],
    [{ name: 'read' }, tool('pay'), { kind: 'call', target: 'tool.read', args: { id: 'pay', action: {} } }],
  ])('is the action that its parts name: %o on %o', async (asked, resource, decided) => {
    const { port, enforcer } = await startServer();
    expect((await post(port, EVALUATION, { subject, action: asked, resource })).status).toBe(200);
    expect(enforcer.authorized[0]?.action).toEqual(decided);
  });

  it('passes its context on to the policy, without what is ours in it', async () => {
    const { port, enforcer } = await startServer();
    const context = { time: '2026-01-01T00:00Z', request_id: 'r1', session: 's1', __proto__x: 1 };
    await post(port, EVALUATION, { ...whole, context });
    expect(enforcer.authorized[0]).toMatchObject({
      requestId: 'r1',
      session: 's1',
      attributes: { time: '2026-01-01T00:00Z', __proto__x: 1 },
    });
  });

  it('is new each time, unless its context says which request it repeats', async () => {
    const { port, enforcer } = await startServer();
    const certificate = async (body: JsonObject) =>
      field(field((await post(port, EVALUATION, body)).json, 'context'), 'certificate_id');
    expect(await certificate(whole)).not.toBe(await certificate(whole));
    const repeated = { ...whole, context: { request_id: 'r1' } };
    expect(await certificate(repeated)).toBe(await certificate(repeated));
    expect(enforcer.authorized.map(({ requestId }) => requestId)).toEqual(['new-0', 'new-1', 'r1', 'r1']);
  });

  it('ignores members that it does not know, and echoes the request id', async () => {
    const { port } = await startServer();
    const body = { ...whole, foo: 'bar', futureField: { nested: true }, subject: { ...subject, extra: 1 } };
    const came = await post(port, EVALUATION, body, { headers: { 'x-request-id': 'bfe9eb29-ab87' } });
    expect([came.status, came.headers['x-request-id']]).toEqual([200, 'bfe9eb29-ab87']);
  });

  it.each([
    [{ action, resource: tool('read') }],
    [{ subject, resource: tool('read') }],
    [{ subject, action }],
    [{ ...whole, subject: { id: 'agent-1' } }],
    [{ ...whole, subject: { type: 'agent' } }],
    [{ ...whole, action: {} }],
    [{ ...whole, resource: { id: 'read' } }],
    [{ ...whole, resource: { type: 'tool' } }],
    [{ ...whole, subject: 'agent-1' }],
    [{ ...whole, action: { name: 123 } }],
    [{ ...whole, context: 'none' }],
    [{ ...whole, context: { request_id: 'a b' } }],
    [{ ...whole, action: { name: 'call', properties: [] } }],
    [{ ...whole, resource: tool('two words') }],
    [{ ...whole, action: { name: 'read' }, resource: { type: 'uri', id: 'a b' } }],
    [{ ...whole, resource: { type: 'x'.repeat(129), id: 'a' } }],
    [[]],
  ])('is refused with 400 where it is malformed: %j', async (body) => {
    const { port, enforcer } = await startServer();
    expect(await post(port, EVALUATION, body)).toMatchObject({ status: 400, code: 'REQUEST_MALFORMED' });
    expect(enforcer.authorized).toEqual([]);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])(
    'is refused with 400 as %s',
    async (type) => {
      const { port } = await startServer();
      expect((await post(port, EVALUATION, whole, { headers: { 'content-type': type } })).status).toBe(400);
    },
  );

  it('is refused with 400 as no JSON, or nothing', async () => {
    const { port } = await startServer();
    for (const body of ['{', ' '])
      expect((await ask(port, EVALUATION, { token: 'agent-token', body })).status).toBe(400);
  });
});

describe('a batch of evaluations', () => {
  const three = [{ resource: tool('read') }, { resource: tool('send') }, { resource: tool('read') }];
  const batch = { subject, action, evaluations: three };

  it.each([
    ['execute_all', [true, false, true]],
    ['deny_on_first_deny', [true, false]],
    ['permit_on_first_permit', [true]],
  ])('ends as %s says', async (evaluations_semantic, decided) => {
    const { port, enforcer } = await startServer();
    const came = await post(port, EVALUATIONS, { ...batch, options: { evaluations_semantic } });
    expect(decisions(came.json)).toEqual(decided);
    // What was not looked at was not decided either.
    expect(enforcer.authorized).toHaveLength(decided.length);
  });

  it('executes all where nothing is said, in their order', async () => {
    const { port } = await startServer();
    expect(decisions((await post(port, EVALUATIONS, batch)).json)).toEqual([true, false, true]);
  });

  it('denies a member that cannot be decided, and spoils no other', async () => {
    const { port, enforcer } = await startServer();
    const evaluations = [
      { resource: tool('read') },
      {},
      'nonsense',
      { subject: { type: 'agent', id: 'agent-2' }, resource: tool('read') },
      { resource: { type: 'uri', id: 'b b' }, action: { name: 'read' } },
      { resource: tool('read') },
    ];
    const came = await post(port, EVALUATIONS, { subject, action, evaluations });
    expect([came.status, decisions(came.json)]).toEqual([200, [true, false, false, false, false, true]]);
    expect(field(came.json, 'evaluations')).toMatchObject([
      {},
      { context: { error: { status: 400, code: 'REQUEST_MALFORMED' } } },
      { context: { error: { status: 400 } } },
      { context: { error: { status: 403, code: 'FORBIDDEN' } } },
      { context: { error: { status: 400 } } },
      {},
    ]);
    expect(enforcer.authorized).toHaveLength(2);
  });

  it('fills in a default whole, and only the required parts of one that a member replaces', async () => {
    const { port, enforcer } = await startServer();
    const resource = { type: 'record', id: 'r', properties: { from: 'default' } };
    const evaluations = [
      {},
      { resource: { id: 'own' } },
      { resource: { type: 'file', id: 'f', properties: { own: 1 } } },
    ];
    await post(port, EVALUATIONS, { subject, action: { name: 'write' }, resource, evaluations });
    expect(enforcer.authorized.map(({ action: { target, args } }) => [target, args])).toEqual([
      ['record.write', { id: 'r', resource: { from: 'default' }, action: {} }],
      ['record.write', { id: 'own', action: {} }],
      ['file.write', { id: 'f', resource: { own: 1 }, action: {} }],
    ]);
  });

  it('numbers a request id that all of its members share', async () => {
    const { port, enforcer } = await startServer();
    const evaluations = [...three, { resource: tool('read'), context: { request_id: 'mine' } }];
    await post(port, EVALUATIONS, { ...batch, evaluations, context: { request_id: 'b1' } });
    expect(enforcer.authorized.map(({ requestId }) => requestId)).toEqual(['b1/0', 'b1/1', 'b1/2', 'mine']);
  });

  it('is a single evaluation without members', async () => {
    const { port } = await startServer();
    for (const body of [whole, { ...whole, evaluations: [] }])
      expect((await post(port, EVALUATIONS, body)).json).toMatchObject({ decision: true });
  });

  it.each([
    [{ subject, action, evaluations: Array(101).fill({ resource: tool('read') }) }],
    [{ subject, action, evaluations: {} }],
    [{ ...batch, options: { evaluations_semantic: 'any' } }],
    [{ ...batch, options: 'none' }],
  ])('is refused whole where it is malformed', async (body) => {
    const { port, enforcer } = await startServer();
    expect(await post(port, EVALUATIONS, body as JsonValue)).toMatchObject({ status: 400 });
    expect(enforcer.authorized).toEqual([]);
  });

  it('fails whole where nobody can tell what was decided', async () => {
    const { port, enforcer } = await startServer();
    enforcer.fault = new Error('the disk is on fire');
    const evaluations = [{ resource: tool('read') }, { resource: tool('break') }];
    expect((await post(port, EVALUATIONS, { subject, action, evaluations })).status).toBe(500);
  });
});

describe('the metadata', () => {
  it('name the endpoints below the configured address, whatever host a request names', async () => {
    const { port } = await startServer({}, { publicUrl: 'https://pdp.example:8080/' });
    const came = await ask(port, '/.well-known/authzen-configuration', { headers: { host: 'evil.example' } });
    expect([came.status, came.json]).toEqual([
      200,
      {
        policy_decision_point: 'https://pdp.example:8080',
        access_evaluation_endpoint: 'https://pdp.example:8080/access/v1/evaluation',
        access_evaluations_endpoint: 'https://pdp.example:8080/access/v1/evaluations',
      },
    ]);
  });

  it('are not there without an address', async () => {
    const { port } = await startServer();
    expect((await ask(port, '/.well-known/authzen-configuration')).status).toBe(404);
  });
});
