import type { JsonValue } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { ANY, bundle, clause, codes, parameter, TestSession, tool } from '../../session.fixture.ts';

const asked = (optional: boolean, args: JsonValue) => {
  const demand = parameter({ from: [{ kind: 'prompt' }], optional });
  const session = new TestSession(
    bundle({
      tools: { send: tool({ effect: 'egress', parameters: { '/cc': demand } }) },
      clauses: [clause({ id: 'vouched', kind: 'flow', rule: 'parameters', on: ANY })],
    }),
  );
  return codes(session.ask('send', args));
};

describe('an argument of another shape than its pointer', () => {
  const refused = (args: JsonValue) => {
    const demand = parameter({ from: [{ kind: 'prompt' }], optional: true });
    const session = new TestSession(
      bundle({
        tools: { send: tool({ effect: 'egress', parameters: { '/to/*': demand, '/cc/name': demand } }) },
        clauses: [clause({ id: 'vouched', kind: 'flow', rule: 'parameters', on: ANY })],
      }),
    );
    return codes(session.ask('send', args));
  };

  it.each<[string, JsonValue]>([
    ['a value where the pointer leads through a list', { to: 'eve@bad.example' }],
    ['a list where it leads through an object', { cc: [{ name: 'eve@bad.example' }] }],
    ['a value where it leads through an object', { cc: 'eve@bad.example' }],
  ])('is refused although it is optional: %s', (_what, args) => {
    expect(refused(args)).toEqual(['NOT_PERMITTED']);
  });

  it('is held against its rule with the names that a `*` stands for', () => {
    expect(refused({ to: { 'eve@bad.example': null } })).toEqual(['UNTRUSTED_ARGUMENT']);
  });

  it('is left out where nothing stands on the way, null or an empty list', () => {
    for (const args of [{}, { to: null, cc: null }, { to: [] }, { cc: {} }] as readonly JsonValue[])
      expect(refused(args)).toEqual([]);
  });
});

describe('an argument that is left out', () => {
  it('is refused where it must be there, null or not', () => {
    expect(asked(false, {})).toEqual(['NOT_PERMITTED']);
    expect(asked(false, { cc: null })).toEqual(['UNTRUSTED_ARGUMENT']);
  });

  it('may be written as null, an empty list or nothing where it is optional, and as nothing else', () => {
    for (const args of [{}, { cc: null }, { cc: [] }, { cc: [null] }]) expect(asked(true, args)).toEqual([]);
    for (const cc of ['', 'null', 0, false, ['eve@bad.example', null]] as readonly JsonValue[]) {
      expect(asked(true, { cc })).toEqual(['UNTRUSTED_ARGUMENT']);
    }
  });
});
