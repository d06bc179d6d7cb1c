import { stringifyJson } from '@provability-fabric/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../testing/clients.ts';
import { startServer, stopServers } from '../testing/start-server.ts';

afterEach(stopServers);

const HANDLE = `pfh1_${'a'.repeat(32)}`;

describe('where results are hidden', () => {
  it('whoever runs the tool gets the values that handles stand for, and what the agent may see of the result', async () => {
    const { port, enforcer } = await startServer();
    enforcer.carries = { arguments: { text: 'hidden text' }, hides: true };
    const action = { kind: 'call', tool: 'file', args: { text: HANDLE } };
    const body = stringifyJson({ request_id: 'r1', action });
    const { json } = await ask(port, '/v1/authorize', { token: 'agent-token', body });
    expect(json).toEqual({
      effect: 'allow',
      verdict: 'accept',
      certificate_id: expect.any(String),
      session: 's1',
      arguments: { text: 'hidden text' },
    });
    const { certificate_id, session } = json as { certificate_id: string; session: string };
    const report = { session, certificate_id, outcome: 'done', result: 'filed hidden text' };
    const settle = () => ask(port, '/v1/outcome', { token: 'agent-token', body: stringifyJson(report) });
    enforcer.shown = { instead: HANDLE };
    expect((await settle()).json).toEqual({ result: HANDLE });
    enforcer.shown = {};
    expect((await settle()).json).toEqual({});
  });

  it('only a program that runs tools may ask here: the token of an agent behind `/mcp` opens no other door', async () => {
    const { port, enforcer } = await startServer();
    enforcer.hides = true;
    const action = { kind: 'call', tool: 'file', args: { text: HANDLE } };
    const evaluation = {
      subject: { type: 'agent', id: 'agent-1' },
      action: { name: 'call' },
      resource: { type: 'tool', id: 'file' },
    };
    const report = { session: 's1', certificate_id: 'c', outcome: 'done', result: 'a guess' };
    const asked: [string, object][] = [
      ['/v1/authorize', { request_id: 'r1', action }],
      ['/v1/outcome', report],
      ['/access/v1/evaluation', evaluation],
    ];
    for (const [path, body] of asked) {
      const answer = await ask(port, path, { token: 'agent-token', body: JSON.stringify(body) });
      expect([path, answer.status, answer.code]).toEqual([path, 403, 'FORBIDDEN']);
    }
    expect([enforcer.authorized, enforcer.settled]).toEqual([[], []]);
  });

  it('nor where the bundle has secrets used: whoever asks here is given their values', async () => {
    const { port, enforcer } = await startServer();
    enforcer.usesSecrets = true;
    const action = { kind: 'call', tool: 'file', args: { token: 'secret://api/token' } };
    const body = JSON.stringify({ request_id: 'r1', action });
    const answer = await ask(port, '/v1/authorize', { token: 'agent-token', body });
    expect([answer.status, answer.code]).toEqual([403, 'FORBIDDEN']);
    expect(enforcer.authorized).toEqual([]);
  });

  it('the fabric’s own answer comes with the decision', async () => {
    const { port, enforcer } = await startServer();
    enforcer.carries = { answer: { outcome: 'done', result: '2026-03-15' } };
    const args = { handle: HANDLE, type: 'date' };
    const asked = { request_id: 'r1', action: { kind: 'call', tool: 'fabric_extract', args } };
    const own = await ask(port, '/v1/authorize', { token: 'agent-token', body: stringifyJson(asked) });
    expect(own.json).toMatchObject({ effect: 'allow', answer: { outcome: 'done', result: '2026-03-15' } });
    const evaluation = {
      subject: { type: 'agent', id: 'agent-1' },
      action: { name: 'call', properties: args },
      resource: { type: 'tool', id: 'fabric_extract' },
    };
    const evaluated = await ask(port, '/access/v1/evaluation', {
      token: 'agent-token',
      body: stringifyJson(evaluation),
    });
    expect(evaluated.json).toMatchObject({
      decision: true,
      context: { answer: { outcome: 'done', result: '2026-03-15' } },
    });
  });
});
