import { describe, expect, it } from 'vitest';
import { isKnownNotification, routeOf, taskIdOf } from './routes.ts';

function ask(method: string, params: Record<string, never> | object) {
  const route = routeOf(method);
  if (route?.kind !== 'decide') throw new Error(`${method} is not decided`);
  return route.ask(params as never, '');
}

describe('routes', () => {
  it('knows no method that the protocol does not have, however close', () => {
    for (const method of [
      'tools/Call',
      'tools/call ',
      'TOOLS/CALL',
      '__proto__',
      'constructor',
      '',
      'sampling/createMessage',
    ]) {
      expect(routeOf(method), method).toBeUndefined();
    }
    expect(isKnownNotification('notifications/message')).toBe(false);
  });

  it('refuses parameters that a reader folding case would take for others', () => {
    for (const params of [
      { name: 'a', Name: 'b' },
      { name: 'a', argumentſ: {} },
      { name: 'a', TASK: {} },
    ]) {
      expect(ask('tools/call', params).ok).toBe(false);
    }
    expect(ask('resources/read', { uri: 'file:///a', URI: 'file:///b' }).ok).toBe(false);
    expect(ask('completion/complete', { ref: { type: 'ref/prompt', name: 'a', NAME: 'b' } }).ok).toBe(false);
    expect(taskIdOf({ taskId: 'a', TaskID: 'b' })).toBeUndefined();
    expect(ask('tools/call', { name: 'a', arguments: { Name: 'x' }, futureMember: 1 }).ok).toBe(true);
  });

  it('refuses what has no target, and arguments that are no object', () => {
    for (const params of [
      {},
      { name: '' },
      { name: 7 },
      { name: 'a', arguments: null },
      { name: 'a', arguments: [] },
    ]) {
      expect(ask('tools/call', params).ok, JSON.stringify(params)).toBe(false);
    }
    expect(ask('resources/read', {}).ok).toBe(false);
    expect(ask('prompts/get', { name: null }).ok).toBe(false);
    expect(ask('completion/complete', { ref: { type: 'ref/other', name: 'a' } }).ok).toBe(false);
  });

  it('refuses a resource that would pass for a prompt or a completion', () => {
    expect(ask('resources/read', { uri: 'mcp-prompt:greeting' }).ok).toBe(false);
    expect(ask('resources/subscribe', { uri: 'MCP-Completion:x' }).ok).toBe(false);
  });

  it('asks about the tool and its arguments, the resource, the prompt, the completion', () => {
    expect(ask('tools/call', { name: 'send', arguments: { a: 1 } })).toMatchObject({
      action: 'call',
      target: 'send',
      value: { a: 1 },
      asTask: false,
    });
    expect(ask('tools/call', { name: 'send', task: {} })).toMatchObject({ value: {}, asTask: true });
    expect(ask('resources/subscribe', { uri: 'file:///a' })).toMatchObject({
      action: 'read',
      target: 'file:///a',
    });
    expect(ask('prompts/get', { name: 'p', arguments: { x: '1' } })).toMatchObject({
      action: 'read',
      target: 'mcp-prompt:p',
      value: { name: 'p', arguments: { x: '1' } },
    });
    const byUri = { ref: { type: 'ref/resource', uri: 'demo://{id}' }, argument: { name: 'id', value: '1' } };
    expect(ask('completion/complete', byUri)).toMatchObject({ target: 'mcp-completion:demo://{id}' });
    const byName = { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'x', value: '' } };
    expect(ask('completion/complete', byName)).toMatchObject({ target: 'mcp-completion:p', value: byName });
  });
});
