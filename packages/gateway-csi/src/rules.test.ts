import { describe, expect, it } from 'vitest';
import { POD, RULES } from './cluster.fixture.ts';
import { compileRules } from './rules.ts';

describe('rules', () => {
  it.each([
    ['two for one account', [RULES[0], RULES[0]]],
    ['a pattern of namespaces', [{ ...RULES[0], namespace: '*' }]],
    ['an account that reads as two', [{ ...RULES[0], serviceAccount: 'a:b' }]],
    ['no names', [{ ...RULES[0], names: [] }]],
    ['a way out of the folder', [{ ...RULES[0], names: ['db/../'] }]],
    ['a pattern', [{ ...RULES[0], names: ['db/*'] }]],
  ])('are refused when they hold %s', (_, rules) => {
    expect(() => compileRules(rules as typeof RULES)).toThrow(
      expect.objectContaining({ code: 'CSI_RULES_INVALID' }),
    );
  });

  it('stand for a name or for what is below a folder, never for what merely begins alike', () => {
    const grant = compileRules([{ ...(RULES[0] as (typeof RULES)[0]), names: ['db', 'app/'] }])(POD);
    const allowed = ['db', 'db2', 'db/x', 'app', 'app/x', 'application/x'].filter((name) =>
      grant?.allows(name as never),
    );
    expect(allowed).toEqual(['db', 'app/x']);
  });
});
