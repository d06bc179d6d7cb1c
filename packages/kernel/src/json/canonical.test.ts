import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testWithCorpus, unpack } from '../../test/corpora.ts';
import { jsonValues } from '../../test/json-values.ts';
import {
  canonicalBytes,
  canonicalJson,
  fromUtf8,
  type JsonValue,
  parseJson,
  parseJsonBytes,
  requireCanonical,
  strictCanonicalBytes,
  stringifyJson,
  utf8,
} from '../index.ts';

const code = (code: string) => expect.objectContaining({ code });

describe('what has no canonical form is refused', () => {
  test('undefined, functions, symbols, not-a-number and infinities, wherever they hide', () => {
    for (const bad of [undefined, () => 1, Symbol('x'), Number.NaN, Number.POSITIVE_INFINITY, -1 / 0]) {
      for (const value of [bad, [bad], { a: bad }, { a: [{ b: bad }] }]) {
        expect(() => canonicalJson(value as JsonValue)).toThrow(code('JSON_UNREPRESENTABLE'));
        expect(() => stringifyJson(value as JsonValue)).toThrow(code('JSON_UNREPRESENTABLE'));
        expect(() => strictCanonicalBytes(value as JsonValue)).toThrow();
      }
    }
    expect(() => canonicalJson({ amount: undefined } as unknown as JsonValue)).toThrow('in `amount`');
    // biome-ignore lint/suspicious/noSparseArray: a hole is what must be refused
    expect(() => canonicalJson([1, , 2] as unknown as JsonValue)).toThrow(code('JSON_UNREPRESENTABLE'));
  });

  test('objects that are not plain, which would otherwise come out as `{}`', () => {
    for (const value of [
      new Date(0),
      new Map([['a', 1]]),
      new Set(),
      Uint8Array.of(1),
      /x/,
      new Error('x'),
    ]) {
      expect(() => canonicalJson({ a: value } as unknown as JsonValue)).toThrow(code('JSON_UNREPRESENTABLE'));
    }
    expect(canonicalJson(Object.assign(Object.create(null) as object, { a: 1 }) as JsonValue)).toBe(
      '{"a":1}',
    );
  });

  test('lone surrogates in keys and values, in short and long strings', () => {
    for (const text of ['\ud800', 'a\udc00', `${'long '.repeat(20)}\udbff`]) {
      expect(() => canonicalJson(text)).toThrow(code('JSON_LONE_SURROGATE'));
      expect(() => canonicalJson({ [text]: 1 })).toThrow(code('JSON_LONE_SURROGATE'));
    }
  });

  test('a cyclic value', () => {
    const value: JsonValue[] = [];
    value.push({ value });
    expect(() => canonicalJson(value)).toThrow(code('JSON_DEPTH'));
  });
});

describe('statements carry only integers that every reader keeps', () => {
  test('fractions, large doubles and bigints are refused', () => {
    for (const value of [0.5, 2 ** 53, 1e300, 1n, 2n ** 64n]) {
      expect(() => strictCanonicalBytes({ value })).toThrow(code('JSON_NUMBER_RANGE'));
    }
    expect(fromUtf8(strictCanonicalBytes({ b: Number.MAX_SAFE_INTEGER, a: -1 }))).toBe(
      '{"a":-1,"b":9007199254740991}',
    );
  });
});

describe('requireCanonical', () => {
  test('refuses every other spelling of the same value', () => {
    for (const text of [
      ' 1',
      '1.0',
      '-0',
      '{"b":1,"a":2}',
      '{"a": 1}',
      '"\\u0041"',
      '"\\/"',
      '1e2',
      '[1 ]',
      '1\n',
    ]) {
      expect(() => requireCanonical(utf8(text)), text).toThrow(code('JSON_NOT_CANONICAL'));
    }
  });

  test('returns the value of the canonical spelling', () => {
    fc.assert(
      fc.property(jsonValues, (value) => isDeepStrictEqual(requireCanonical(canonicalBytes(value)), value)),
    );
  });
});

describe('RFC 8785', () => {
  testWithCorpus('every case of the published suite', 'jcs/rfc8785.tar.gz', (path) => {
    const files = unpack(path);
    const inputs = [...files.keys()].filter((name) => name.includes('/input/'));
    expect(inputs).toHaveLength(6);
    for (const name of inputs) {
      const expected = files.get(name.replace('/input/', '/output/')) as Uint8Array;
      expect(canonicalJson(parseJsonBytes(files.get(name) as Uint8Array)), name).toBe(
        fromUtf8(expected).trimEnd(),
      );
    }
  });

  test('numbers of appendix B', () => {
    const samples: readonly (readonly [string, string])[] = [
      ['0000000000000000', '0'],
      ['8000000000000000', '0'],
      ['0000000000000001', '5e-324'],
      ['8000000000000001', '-5e-324'],
      ['7fefffffffffffff', '1.7976931348623157e+308'],
      ['ffefffffffffffff', '-1.7976931348623157e+308'],
      ['4340000000000000', '9007199254740992'],
      ['c340000000000000', '-9007199254740992'],
      ['4430000000000000', '295147905179352830000'],
      ['44b52d02c7e14af5', '9.999999999999997e+22'],
      ['44b52d02c7e14af6', '1e+23'],
      ['44b52d02c7e14af7', '1.0000000000000001e+23'],
      ['444b1ae4d6e2ef4e', '999999999999999700000'],
      ['444b1ae4d6e2ef4f', '999999999999999900000'],
      ['444b1ae4d6e2ef50', '1e+21'],
      ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
      ['3eb0c6f7a0b5ed8d', '0.000001'],
      ['41b3de4355555553', '333333333.3333332'],
      ['41b3de4355555557', '333333333.33333343'],
      ['becbf647612f3696', '-0.0000033333333333333333'],
      ['43143ff3c1cb0959', '1424953923781206.2'],
    ];
    for (const [bits, text] of samples) {
      expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE()), bits).toBe(text);
    }
  });

  test('numbers are written as ECMAScript writes them', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(canonicalJson(value)).toBe(JSON.stringify(value));
      }),
      { numRuns: 5000 },
    );
  });

  test('strings are written as ECMAScript writes them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        expect(canonicalJson(text)).toBe(JSON.stringify(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('keys are sorted by UTF-16 code units, not by code points or as numbers', () => {
    // U+1F600 (D83D DE00) comes before U+FB33, and "10" before "9".
    const value = parseJson('{"\\ufb33":1,"\\ud83d\\ude00":2,"9":3,"10":4,"a":5,"A":6,"":7}');
    expect(canonicalJson(value)).toBe('{"":7,"10":4,"9":3,"A":6,"a":5,"\u{1f600}":2,"\ufb33":1}');
  });

  test('any number of keys is sorted', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 60 }), (keys) => {
        const object = Object.fromEntries(
          keys.filter((key) => key !== '__proto__').map((key) => [key, null]),
        );
        const written = Object.keys(object).sort();
        expect(canonicalJson(object)).toBe(
          `{${written.map((key) => `${JSON.stringify(key)}:null`).join(',')}}`,
        );
      }),
    );
  });

  test('the extension: large integers in all their digits', () => {
    const text = '{"a":-123456789012345678901234567890,"b":9007199254740993}';
    expect(canonicalJson(parseJson(text))).toBe(text);
    expect(canonicalJson(5n)).toBe('5');
  });
});

describe('laws', () => {
  test('the canonical form is idempotent and keeps the value', () => {
    fc.assert(
      fc.property(jsonValues, (value) => {
        const text = canonicalJson(value);
        const again = parseJson(text);
        expect(isDeepStrictEqual(again, value)).toBe(true);
        expect(canonicalJson(again)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  test('it is idempotent for every double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(parseJson(text))).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  test('relaying keeps the order of keys and the sign of zero', () => {
    expect(stringifyJson(parseJson('{"b":-0,"a":[1.50,12345678901234567890]}'))).toBe(
      '{"b":-0,"a":[1.5,12345678901234567890]}',
    );
  });
});
