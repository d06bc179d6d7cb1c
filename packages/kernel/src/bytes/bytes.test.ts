import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { base64, concatBytes, equalBytes, fromBase64, fromHex, fromUtf8, hex, utf8 } from '../index.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

const bytes = fc.uint8Array({ maxLength: 200 });
const code = (code: string) => expect.objectContaining({ code });

describe('UTF-8', () => {
  test('overlong, surrogate, truncated, stray and too large sequences are refused, with their place', () => {
    const bad = [
      '80',
      'c0af',
      'c1bf',
      'e080af',
      'e09f80',
      'eda080',
      'edbfbf',
      'f08080af',
      'f4908080',
      'f5808080',
    ];
    bad.push('c3', 'e282', 'f09f98', 'e28241', 'fe', 'ff');
    for (const text of bad) {
      for (const before of [0, 3, 100]) {
        const input = concatBytes(new Uint8Array(before).fill(0x61), fromHex(text));
        expect(() => fromUtf8(input), text).toThrow(
          expect.objectContaining({ code: 'BAD_UTF8', offset: before }),
        );
      }
    }
  });

  test('lone surrogates have no bytes', () => {
    for (const text of ['\ud800', 'x\udc00', `${'y'.repeat(100)}\ud800`, '\udc00\ud800']) {
      expect(() => utf8(text)).toThrow(code('BAD_TEXT'));
      expect(() => encodeUtf8(text)).toThrow(code('BAD_TEXT'));
    }
  });

  test('a byte order mark stays in the text', () => {
    expect(fromUtf8(concatBytes(fromHex('efbbbf'), utf8('x'.repeat(100))))).toBe(`\ufeff${'x'.repeat(100)}`);
  });

  test('the pure coder and the platform agree on every text and on every byte string', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const attempt = (read: () => string) => {
      try {
        return read();
      } catch {
        return undefined;
      }
    };
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const encoded = new TextEncoder().encode(text);
        expect(equalBytes(encodeUtf8(text), encoded)).toBe(true);
        expect(equalBytes(utf8(text), encoded)).toBe(true);
        expect(decodeUtf8(encoded)).toBe(text);
        expect(fromUtf8(encoded)).toBe(text);
      }),
    );
    fc.assert(
      fc.property(bytes, (input) => {
        expect(attempt(() => decodeUtf8(input))).toBe(attempt(() => decoder.decode(input)));
      }),
      { numRuns: 1000 },
    );
    for (let lead = 0xc0; lead < 0x100; lead++) {
      for (let next = 0x70; next < 0xd0; next++) {
        const input = Uint8Array.of(lead, next, 0x80, 0x80).subarray(
          0,
          lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4,
        );
        expect(attempt(() => decodeUtf8(input))).toBe(attempt(() => decoder.decode(input)));
      }
    }
    const long = 'aé€\u{1f600}'.repeat(5000);
    expect(decodeUtf8(encodeUtf8(long))).toBe(long);
  });
});

describe('hex', () => {
  test('one spelling: lowercase, an even number of digits', () => {
    for (const text of ['A0', '0', 'g0', '0x', ' 00', '00\n', 'é0'])
      expect(() => fromHex(text)).toThrow(code('BAD_HEX'));
  });

  test('reading undoes writing', () => {
    fc.assert(
      fc.property(bytes, (input) => {
        expect(hex(input)).toBe(Buffer.from(input).toString('hex'));
        expect(equalBytes(fromHex(hex(input)), input)).toBe(true);
      }),
    );
  });
});

describe('base64', () => {
  test('one spelling: standard alphabet, padding, zero bits before it', () => {
    const bad = [
      'A',
      'AA',
      'AAA',
      'AB==',
      'AAB=',
      'A===',
      '====',
      '=AAA',
      'AA=A',
      'AA==AAAA',
      'A-_A',
      'AAAA\n',
      'AA A',
    ];
    for (const text of [...bad, 'éAAA', 'AAA\u0100'])
      expect(() => fromBase64(text), text).toThrow(code('BAD_BASE64'));
  });

  test('reading undoes writing, and no other text reads to the same bytes', () => {
    fc.assert(
      fc.property(bytes, (input) => {
        expect(base64(input)).toBe(Buffer.from(input).toString('base64'));
        expect(equalBytes(fromBase64(base64(input)), input)).toBe(true);
      }),
    );
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_';
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 12 }), (text) => {
        let read: Uint8Array;
        try {
          read = fromBase64(text);
        } catch {
          return;
        }
        expect(base64(read)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('bytes', () => {
  test('equalBytes sees any difference, also in length', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(
      equalBytes(concatBytes(Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2)), Uint8Array.of(1, 2)),
    ).toBe(true);
  });
});
