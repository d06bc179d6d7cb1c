import { describe, expect, it } from 'vitest';
import { ExactIntegers } from './exact-integers.ts';
import { type PolicySource, splitPolicies, writtenId } from './tokens.ts';

const one = (text: string): PolicySource => {
  const [policy] = splitPolicies(text);
  if (!policy) throw new Error('expected a policy');
  return policy;
};

describe('splitting policies', () => {
  it('is not fooled by semicolons and quotes in strings and comments', () => {
    const text = [
      '// the first; it says "permit',
      '@id("a;b") permit(principal, action, resource) when { "\\";" == ";" }; // tail; "',
      'forbid(principal, action, resource);',
      '// no policy;',
    ].join('\n');
    const policies = splitPolicies(text);
    expect(policies.map(({ text: policy }) => policy.slice(0, 6))).toEqual(['@id("a', 'forbid']);
    expect(policies.map(writtenId)).toEqual(['a;b', undefined]);
    expect(text.slice(policies[1]?.start, policies[1]?.end)).toBe('forbid(principal, action, resource);');
  });
});

describe('integers that JavaScript would round', () => {
  it('get stand-ins of their own, which come back as what was written', () => {
    const text = '9223372036854775807 == -9223372036854775808 && 9223372036854775807 == 9007199254740991;';
    const integers = new ExactIntegers(one(text));
    expect(integers.text).toBe(
      '9007199254740990 == -9007199254740989 && 9007199254740988 == 9007199254740991;',
    );
    expect(integers.restore(9007199254740990)).toBe('9223372036854775807');
    expect(integers.restore(-9007199254740989)).toBe('-9223372036854775808');
    expect(integers.complete).toBe(false);
    expect(integers.restore(9007199254740988)).toBe('9223372036854775807');
    expect(integers.complete).toBe(true);
    expect(integers.restore(9007199254740991)).toBe('9007199254740991');
  });

  it('are not looked for in strings and comments', () => {
    const text = '"9223372036854775807" // 9223372036854775807\n;';
    expect(new ExactIntegers(one(text)).text).toBe(text);
  });

  it('are not guessed: a stand-in that comes twice and a number that was rounded are unknown', () => {
    const integers = new ExactIntegers(one('9223372036854775807;'));
    integers.restore(Number.MAX_SAFE_INTEGER);
    expect(integers.restore(Number.MAX_SAFE_INTEGER)).toBeUndefined();
    expect(integers.restore(2 ** 60)).toBeUndefined();
  });
});
