import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CedarDatetime, CedarDuration } from './datetime.ts';
import { CedarDecimal } from './decimal.ts';
import { equalValues, valueKey } from './equality.ts';
import { CedarIpAddress } from './ip-address.ts';
import { CedarSet, cedarSet } from './set.ts';
import { CedarRecord, type CedarValue, entityUid, unrepresentable } from './values.ts';

const small = fc.bigInt({ min: -2n, max: 2n });
const word = fc.constantFrom('', 'a', 's1:a', 'l1;', '{', ']', '__proto__');
const { value } = fc.letrec<{ value: CedarValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.boolean(),
    small,
    word,
    fc.tuple(word, word).map(([type, id]) => entityUid(type, id)),
    small.map((n) => new CedarDecimal(n)),
    small.map((n) => new CedarDatetime(n)),
    small.map((n) => new CedarDuration(n)),
    fc.constantFrom(
      new CedarIpAddress(4, 1n, 32),
      new CedarIpAddress(6, 1n, 32),
      new CedarIpAddress(6, 1n, 128),
    ),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => new CedarSet(items)),
    fc
      .array(fc.tuple(word, tie('value')), { maxLength: 3 })
      .map((fields) => new CedarRecord(new Map(fields))),
  ),
}));

it('keys are equal exactly where values are', () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(valueKey(a) === valueKey(b)).toBe(equalValues(a, b));
      expect(equalValues(a, b)).toBe(equalValues(b, a));
      expect(equalValues(a, a)).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

it('membership is the same in small sets and in large ones', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 5 }), value, (items, item) => {
      const expected = items.some((other) => equalValues(item, other));
      const padding = Array.from({ length: 20 }, (_, n) => BigInt(1000 + n));
      expect(new CedarSet(items).has(item)).toBe(expected);
      expect(new CedarSet([...items, ...padding]).has(item)).toBe(expected);
    }),
  );
});

it('a set over something that cannot be represented cannot be either', () => {
  const flawed = new CedarRecord(new Map([['x', unrepresentable('null')]]));
  expect(cedarSet([1n, flawed])).toMatchObject({ kind: 'unrepresentable' });
});
