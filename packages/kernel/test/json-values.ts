import fc from 'fast-check';
import type { JsonValue } from '../src/index.ts';

const text = fc.string({ unit: 'binary' });
const key = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'toString', '0', '10', '9', ''));

const largeInteger = fc
  .bigInt({ min: 2n ** 53n, max: 2n ** 400n })
  .chain((value) => fc.constantFrom(value, -value));

/**
 * Doubles that read back as doubles: not the integers from 2^53 up to 10^21, which RFC 8785 prints with all
 * digits and the reader keeps as bigints.
 */
const double = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter((value) => !Number.isInteger(value) || Number.isSafeInteger(value) || Math.abs(value) >= 1e21);

const positiveZero = (value: number) => (value === 0 ? 0 : value);

/** Every kind of JSON value that the reader can produce, zero always positive. */
export const jsonValues: fc.Arbitrary<JsonValue> = values(double.map(positiveZero));

/** The same with both zeros. */
export const jsonValuesWithBothZeros: fc.Arbitrary<JsonValue> = values(fc.oneof(double, fc.constant(-0)));

function values(numbers: fc.Arbitrary<number>): fc.Arbitrary<JsonValue> {
  return fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom(null, true, false),
      fc.maxSafeInteger(),
      numbers,
      largeInteger,
      text,
      fc.array(tie('value'), { maxLength: 5 }),
      fc
        .uniqueArray(fc.tuple(key, tie('value')), { maxLength: 5, selector: ([name]) => name })
        .map(ownMembers),
    ),
  })).value;
}

function ownMembers(members: readonly (readonly [string, JsonValue])[]): JsonValue {
  const object: Record<string, JsonValue> = {};
  for (const [name, value] of members) {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  }
  return object;
}
