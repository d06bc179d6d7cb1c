import { describe, expect, it } from 'vitest';
import type { Identity } from '../ports.ts';
import { TOKENS } from '../testing/fake-tokens.ts';
import { requireHost, requireOwnSession, sessionToActIn } from './session-access.ts';

const identity = (name: string) => TOKENS[`${name}-token`] as Identity;

describe('the session of a request', () => {
  it("is the token's, and no other may be asked for", () => {
    expect(() => sessionToActIn(identity('agent'), 's2')).toThrow('expected the `sid` of this token');
    expect(() => sessionToActIn(identity('host-of-s1'), 's2')).toThrow('expected the `sid` of this token');
    expect(sessionToActIn(identity('agent'), 's1')).toBe('s1');
    expect(sessionToActIn(identity('agent'), undefined)).toBe('s1');
  });

  it("is the fabric's choice where the token names none, unless a host asks", () => {
    expect(() => sessionToActIn(identity('wandering'), 's1')).toThrow('leave `session` out');
    expect(sessionToActIn(identity('wandering'), undefined)).toBeNull();
    expect(sessionToActIn(identity('host'), 's9')).toBe('s9');
  });
});

describe('an outcome', () => {
  it('is taken only for a session of the token', () => {
    expect(() => requireOwnSession(identity('agent'), 'agent-1@1')).toThrow();
    expect(() => requireOwnSession(identity('host-of-s1'), 's2')).toThrow();
    requireOwnSession(identity('agent'), 's1');
    requireOwnSession(identity('wandering'), 'agent-1@1');
    requireOwnSession(identity('host'), 'anything');
  });
});

describe('the prompt', () => {
  it("is the host's alone", () => {
    expect(() => requireHost(identity('agent'), 's1')).toThrow('role `host`');
    expect(() => requireHost(identity('host-of-s1'), 's2')).toThrow();
    requireHost(identity('host-of-s1'), 's1');
    requireHost(identity('host'), 's2');
  });
});
