import { EnforcementError } from '@provability-fabric/enforcement';
import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../../metrics.ts';
import { ask, callBody } from '../../testing/clients.ts';
import { TICKET } from '../../testing/fake-approvals.ts';
import { startServer, stopServers } from '../../testing/start-server.ts';
import { createForwarder } from '../forwarder.ts';

afterEach(stopServers);

const PATH = `/v1/approvals/${TICKET}`;
const approving = { body: '{"decision":"approve"}' };

describe('an approval over HTTP', () => {
  it.each([
    'agent-token',
    'host-token',
    'operator-token',
    'platform-operator-token',
    'approver-in-s1-token',
    'approving-host-token',
  ])('is not taken with the %s, nor are the arguments shown to it', async (token) => {
    const { port, approvals } = await startServer();
    expect((await ask(port, PATH, { token, ...approving })).code).toBe('FORBIDDEN');
    expect(await ask(port, PATH, { token, method: 'GET' })).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect(approvals.said).toEqual([]);
  });

  it.each(['agent-token', 'host-token', 'wandering-token'])(
    'is not even listed for the %s',
    async (token) => {
      const { port } = await startServer();
      expect((await ask(port, '/v1/approvals', { token, method: 'GET' })).code).toBe('FORBIDDEN');
    },
  );

  it('finds no ticket of another tenant', async () => {
    const { port } = await startServer();
    const token = 'globex-approver-token';
    expect((await ask(port, '/v1/approvals', { token, method: 'GET' })).json).toEqual([]);
    for (const how of [approving, { method: 'GET' }])
      expect(await ask(port, PATH, { token, ...how })).toMatchObject({ status: 404, code: 'TICKET_UNKNOWN' });
  });

  it.each([
    '{}',
    '{"decision":"maybe"}',
    '{"decision":"approve","approver":"alice"}',
    '{"decision":"approve","session":"a b"}',
  ])('that says %s is malformed', async (body) => {
    const { port, approvals } = await startServer();
    const came = await ask(port, PATH, { token: 'approver-token', body });
    expect([came.status, came.code, approvals.said]).toEqual([400, 'REQUEST_MALFORMED', []]);
  });

  it.each([
    ['TICKET_DECIDED', 409],
    ['APPROVER_REFUSED', 403],
    ['TICKET_UNKNOWN', 404],
  ] as const)('that is refused with %s says so with status %i', async (code, status) => {
    const { port, approvals } = await startServer();
    approvals.fault = new EnforcementError(code, 'no');
    expect(await ask(port, PATH, { token: 'approver-token', ...approving })).toMatchObject({ status, code });
  });

  it('is recorded as of whom the token names, in the epoch of the token', async () => {
    const { port, approvals } = await startServer();
    const body = '{"decision":"deny","session":"s1"}';
    const came = await ask(port, PATH, { token: 'approver-token', body });
    expect([came.status, came.json]).toEqual([200, { ticket: TICKET, session: 's1', status: 'waiting' }]);
    const approver = { id: 'approver-1', roles: ['approver'], tenant: 'acme' };
    expect(approvals.said).toEqual([{ ticket: TICKET, session: 's1', approver, decision: 'deny', epoch: 3 }]);
  });
});

describe('the list of what is held', () => {
  const listed = {
    ticket: TICKET,
    session: 's1',
    principal: 'agent-1',
    action: { kind: 'call', tool: 'pay' },
    clauses: ['big'],
    status: 'waiting',
    asked_at: '2026-01-01T00:00:00.000Z',
    expires_at: '2026-01-02T00:00:00.000Z',
    approved_by: ['bob'],
    denied_by: [],
    certificate_id: 'c'.repeat(64),
  };

  it.each(['approver-token', 'auditor-token', 'operator-token'])(
    'shows no argument to the %s',
    async (token) => {
      const { port } = await startServer();
      const came = await ask(port, '/v1/approvals?limit=5', { token, method: 'GET' });
      expect([came.status, came.json]).toEqual([200, [listed]]);
    },
  );

  it('shows one with its arguments, every digit of them, to an approver', async () => {
    const { port } = await startServer();
    const came = await ask(port, PATH, { token: 'approver-token', method: 'GET' });
    expect(came.text).toContain('"amount":9007199254740993');
    expect(came.json).toMatchObject({ ...listed, approvers: [{ approvals: 2, roles: ['finance'] }] });
  });
});

describe('an action that is held', () => {
  it('is answered with its ticket, also as AuthZEN asks', async () => {
    const { port } = await startServer();
    const refusal = { code: 'APPROVAL_REQUIRED', clause: 'ask', ticket: TICKET };
    const asked = await ask(port, '/v1/authorize', { token: 'agent-token', body: callBody('hold') });
    expect([asked.status, asked.json]).toMatchObject([200, { effect: 'hold', verdict: 'hold', refusal }]);
    const body = JSON.stringify({
      subject: { type: 'agent', id: 'agent-1' },
      action: { name: 'call' },
      resource: { type: 'tool', id: 'hold' },
    });
    const evaluated = await ask(port, '/access/v1/evaluation', {
      token: 'agent-token',
      body,
      headers: { 'content-type': 'application/json' },
    });
    const context = { effect: 'hold', reason: 'APPROVAL_REQUIRED', clause: 'ask', ticket: TICKET };
    expect(evaluated.json).toMatchObject({ decision: false, context });
  });
});

describe('a decision about an action in a session of another fabric', () => {
  it('is sent there once, as it came, and the answer is the owner’s', async () => {
    const owner = await startServer();
    const metrics = createMetrics();
    const forwarder = createForwarder({ timeoutMs: 2000, answerBytes: 10_000, maxSockets: 4, metrics });
    try {
      const stranger = await startServer({}, { forwarder });
      const address = `http://127.0.0.1:${owner.port}`;
      stranger.approvals.fault = new EnforcementError('SESSION_ELSEWHERE', 'not mine', { address });
      const body = '{"decision":"approve","session":"s1"}';
      const came = await ask(stranger.port, PATH, { token: 'approver-token', body });
      expect([came.status, came.json]).toEqual([200, { ticket: TICKET, session: 's1', status: 'waiting' }]);
      expect(owner.approvals.said).toEqual(stranger.approvals.said);
      owner.approvals.fault = new EnforcementError('TICKET_DECIDED', 'no');
      expect((await ask(stranger.port, PATH, { token: 'approver-token', body })).code).toBe('TICKET_DECIDED');
    } finally {
      forwarder.close();
    }
  });
});
