import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonValuesWithBothZeros } from '../../test/json-values.ts';
import {
  canonicalJson,
  JsonError,
  MAX_JSON_DEPTH,
  parseJson,
  parseJsonBytes,
  stringifyJson,
} from '../index.ts';

function refusal(text: string | Uint8Array, options?: { maxDepth?: number }): JsonError {
  try {
    if (typeof text === 'string') parseJson(text, options);
    else parseJsonBytes(text, options);
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('what one document could mean two things by is refused', () => {
  test('a key twice, also when one is written with escapes, and the message names it', () => {
    expect(refusal('{"a":1,"b":2,"a":1}')).toMatchObject({ code: 'JSON_DUPLICATE_KEY', offset: 13 });
    expect(refusal('{"amount":1,"\\u0061mount":2}').message).toContain('`amount` twice');
    expect(refusal('[{"x":{"__proto__":1,"__proto__":2}}]').code).toBe('JSON_DUPLICATE_KEY');
    expect(refusal('{"constructor":1,"constructor":2}').code).toBe('JSON_DUPLICATE_KEY');
    expect(refusal('{"1":1,"1":2}').code).toBe('JSON_DUPLICATE_KEY');
    expect(refusal('{"":1,"":2}').code).toBe('JSON_DUPLICATE_KEY');
  });

  test('a key that an attacker chose comes escaped and cut into the message', () => {
    const key = `${'\\n'.repeat(3)}${'x'.repeat(10_000)}`;
    const { message } = refusal(`{"${key}":1,"${key}":2}`);
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(250);
  });

  test('half a surrogate pair, raw or escaped, in keys and values', () => {
    const lone = [
      '"\ud800"',
      '"x\udc00"',
      '"\\ud800"',
      '"\\uD83D x"',
      '"\\udc00"',
      '{"\\ud800":1}',
      '{"\udfff":1}',
      '"\\ud83d\\ud83d\\ude00"',
      '"\\ud83d\ude00"', // an escaped first half does not pair with a raw second one
      '"\ud83d\\ude00"',
      `"${'long '.repeat(100)}\\ud800"`,
    ];
    for (const text of lone) expect(refusal(text).code, text).toBe('JSON_LONE_SURROGATE');
    expect(parseJson('"\\ud83d\\ude00"')).toBe('\u{1f600}');
    expect(parseJson('"\u{1f600}"')).toBe('\u{1f600}');
  });

  test('a number that is no finite double', () => {
    for (const text of ['1e309', '-1e309', '1.0e999', '[1,2,1E400]']) {
      expect(refusal(text).code, text).toBe('JSON_NUMBER_RANGE');
    }
    expect(parseJson('1e-400')).toBe(0);
  });

  test('bytes that are not UTF-8, or begin with a byte order mark', () => {
    expect(refusal(Uint8Array.of(0x22, 0xc0, 0x80, 0x22))).toMatchObject({ code: 'JSON_UTF8', offset: 1 });
    expect(refusal(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toMatchObject({
      code: 'JSON_UTF8',
      offset: 1,
    });
    expect(refusal(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31))).toMatchObject({ code: 'JSON_UTF8', offset: 0 });
    expect(refusal('\ufeff1').code).toBe('JSON_SYNTAX');
  });
});

describe('integers keep every digit', () => {
  test('within ±(2^53 - 1) as numbers, beyond as bigints', () => {
    expect(parseJson('9007199254740991')).toBe(9007199254740991);
    expect(parseJson('9007199254740992')).toBe(9007199254740992n);
    expect(parseJson('9007199254740993')).toBe(9007199254740993n);
    expect(parseJson('-9007199254740991')).toBe(-9007199254740991);
    expect(parseJson('-9007199254740993')).toBe(-9007199254740993n);
    expect(parseJson('999999999999999')).toBe(999999999999999);
    expect(parseJson('[18446744073709551615]')).toEqual([18446744073709551615n]);
    expect(parseJson('-0')).toBe(-0);
  });

  test('a point or an exponent makes a double, which beyond 2^53 is the integer that it prints as', () => {
    expect(parseJson('9007199254740993.0')).toBe(9007199254740992n);
    expect(parseJson('1e18')).toBe(10n ** 18n);
    expect(parseJson('-1.5E-3')).toBe(-0.0015);
  });

  test('up to 4,096 digits', () => {
    expect(parseJson('9'.repeat(4096))).toBe(10n ** 4096n - 1n);
    expect(refusal('9'.repeat(4097)).code).toBe('JSON_NUMBER_RANGE');
    expect(refusal(`-${'9'.repeat(1_000_000)}`).code).toBe('JSON_NUMBER_RANGE');
  });
});

describe('syntax', () => {
  test('what RFC 8259 does not know is refused, with its place', () => {
    const wrong: readonly (readonly [string, number])[] = [
      ['', 0],
      [' ', 1],
      ['nul', 0],
      ['nullx', 4],
      ['True', 0],
      ['NaN', 0],
      ['-', 1],
      ['-x', 1],
      ['+1', 0],
      ['.5', 0],
      ['1.', 2],
      ['1.e5', 2],
      ['1e', 2],
      ['1e+', 3],
      ['01', 0],
      ['-01', 1],
      ['00', 0],
      ['0x10', 1],
      ['1 2', 2],
      ['[1,]', 3],
      ['[,1]', 1],
      ['[1', 2],
      ['{"a"}', 4],
      ['{"a":}', 5],
      ['{"a":1,}', 7],
      ['{a:1}', 1],
      ["{'a':1}", 1],
      ['{"a":1', 6],
      ['"abc', 4],
      ['"', 1],
      ['"a\nb"', 2],
      ['"\u0000"', 1],
      ['"\\x41"', 1],
      ['"\\u12G4"', 1],
      ['"\\', 1],
      ['"\\"', 3],
      [`"${'x'.repeat(100)}`, 101],
      [`"${'x'.repeat(100)}\t"`, 101],
      ['[1]// no', 3],
      ['\u00a01', 0],
    ];
    for (const [text, offset] of wrong) {
      expect(refusal(text), JSON.stringify(text)).toMatchObject({ code: 'JSON_SYNTAX', offset });
    }
  });

  test('escapes, also many and at the edges of a string', () => {
    for (const value of [
      '"',
      '\\',
      '\\"',
      'a\\\\"b',
      '\b\f\n\r\t/',
      `${'\\'.repeat(99)}"`,
      '\u0000\u001f\u007f',
    ]) {
      for (const text of [value, value.repeat(50), `${'p'.repeat(30)}${value}`]) {
        expect(parseJson(JSON.stringify({ [text]: text }))).toEqual({ [text]: text });
      }
    }
    expect(parseJson('"\\/\\u00e9\\u00E9"')).toBe('/éé');
  });

  test('strings of every length, in short and in long documents', () => {
    for (let length = 0; length < 60; length++) {
      const value = 'é'.repeat(length);
      expect(parseJson(JSON.stringify(value))).toBe(value);
      const padded = [value, ' '.repeat(20_000)];
      expect(parseJson(JSON.stringify(padded))).toEqual(padded);
    }
  });
});

describe('objects', () => {
  test('`__proto__` is a key like any other', () => {
    const value = parseJson('{"__proto__":{"admin":true},"a":1}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect('admin' in value).toBe(false);
  });
});

describe('nesting', () => {
  test('beyond the limit is refused without overflowing the stack', () => {
    expect(refusal('['.repeat(1_000_000)).code).toBe('JSON_DEPTH');
    expect(refusal('{"a":'.repeat(1_000_000)).code).toBe('JSON_DEPTH');
    expect(refusal('[[1]]', { maxDepth: 1 })).toMatchObject({ code: 'JSON_DEPTH', offset: 1 });
    expect(refusal('[]', { maxDepth: 0 }).code).toBe('JSON_DEPTH');
    expect(parseJson('7', { maxDepth: 0 })).toBe(7);
  });

  test('up to the limit is read and written', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(stringifyJson(parseJson(nested(512)))).toBe(nested(512));
    expect(refusal(nested(513)).code).toBe('JSON_DEPTH');
    const deepest = parseJson(nested(MAX_JSON_DEPTH), { maxDepth: MAX_JSON_DEPTH });
    expect(stringifyJson(deepest)).toBe(nested(MAX_JSON_DEPTH));
    expect(() => parseJson('1', { maxDepth: MAX_JSON_DEPTH + 1 })).toThrow(RangeError);
  });
});

describe('laws', () => {
  test('reading what was relayed gives the same value', () => {
    fc.assert(
      fc.property(jsonValuesWithBothZeros, (value) => {
        const text = stringifyJson(value);
        expect(isDeepStrictEqual(parseJson(text), value)).toBe(true);
        expect(isDeepStrictEqual(parseJsonBytes(new TextEncoder().encode(text)), value)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('on any text the reader agrees with JSON.parse, or refuses for one of its own reasons', () => {
    const near = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', '"', '\\', ',', '0', '-', 'e', '{', ']', ' ', '\n', '\ud800', '.'),
      )
      .map(([text, at, insert]) => {
        const cut = at % (text.length + 1);
        return text.slice(0, cut) + insert + text.slice(cut + (at % 3));
      });
    fc.assert(
      fc.property(fc.oneof(near, fc.json(), fc.string()), (text) => {
        let expected: unknown;
        let valid = true;
        try {
          expected = JSON.parse(text);
        } catch {
          valid = false;
        }
        try {
          const value = parseJson(text);
          expect(valid).toBe(true);
          // Beyond 2^53 the two differ on purpose.
          if (!/\d{16}|\de\+?1[5-9]|\de\+?20/i.test(text))
            expect(isDeepStrictEqual(value, expected)).toBe(true);
        } catch (error) {
          if (!(error instanceof JsonError)) throw error;
          expect(valid && error.code === 'JSON_SYNTAX').toBe(false);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a number in exponent or fraction form', () => {
  test('has the value that its canonical form reads back as', () => {
    for (const text of [
      '1e16',
      '9007199254740993.0',
      '1.2345678901234567e20',
      '-1E17',
      '1e21',
      '0.1',
      '5e-324',
      '-0.0',
      '100.0',
    ]) {
      const value = parseJson(text);
      const again = parseJson(canonicalJson(value));
      expect(typeof again).toBe(typeof value);
      expect(canonicalJson(again)).toBe(canonicalJson(value));
    }
    expect(parseJson('1e16')).toBe(10_000_000_000_000_000n);
    expect(parseJson('1e21')).toBe(1e21);
  });
});
