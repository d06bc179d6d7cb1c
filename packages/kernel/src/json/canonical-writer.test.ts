import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonValues } from '../../test/json-values.ts';
import { CanonicalWriter, canonicalBytes, canonicalJson, fromUtf8, type JsonValue, utf8 } from '../index.ts';

const code = (code: string) => expect.objectContaining({ code });

describe('a canonical writer', () => {
  test('refuses what has no canonical form, and writes as ever afterwards', () => {
    const cyclic: JsonValue[] = [];
    cyclic.push({ cyclic });
    const bad = [
      undefined,
      Number.NaN,
      new Date(0),
      { a: '\ud800' },
      [`${'long '.repeat(200)}\udbff`],
      cyclic,
    ];
    for (const value of bad) {
      expect(() => canonicalBytes(value as JsonValue)).toThrow();
      expect(fromUtf8(canonicalBytes({ b: [1], a: 'ä' }))).toBe('{"a":"ä","b":[1]}');
    }
    const statement = new CanonicalWriter(true);
    expect(() => statement.value({ half: 0.5 })).toThrow(code('JSON_NUMBER_RANGE'));
  });

  test('has the bytes of the text form, for every value', () => {
    fc.assert(
      fc.property(jsonValues, (value) => {
        expect(canonicalBytes(value)).toEqual(utf8(canonicalJson(value)));
      }),
    );
  });

  test('has them across the lengths at which it changes its way, and across growing', () => {
    for (const length of [0, 1, 511, 512, 513, 4094, 4095, 4096, 300_000]) {
      for (const last of ['x', '"', '\n', 'ä', '😀']) {
        const value = { key: `${'x'.repeat(length)}${last}`, ['k'.repeat(length)]: [length] };
        expect(canonicalBytes(value)).toEqual(utf8(canonicalJson(value)));
      }
    }
  });

  test('leaves copies alone that were made before, whatever is written next', () => {
    const values = Array.from({ length: 300 }, (_, i) => ({ i, text: 'x'.repeat((i * 997) % 9000) }));
    const copies = values.map((value) => canonicalBytes(value));
    expect(copies.map(fromUtf8)).toEqual(values.map((value) => canonicalJson(value)));
  });

  test('keeps parts apart that are written one after another', () => {
    const writer = new CanonicalWriter();
    writer.ascii('[');
    const from = writer.length;
    writer.value({ b: 1, a: 2 });
    const part = new Uint8Array(writer.view(from));
    writer.ascii(',"');
    writer.hex(Uint8Array.of(0, 15, 255));
    writer.ascii('",');
    writer.raw(part);
    writer.ascii(']');
    expect(fromUtf8(writer.copy())).toBe('[{"a":2,"b":1},"000fff",{"a":2,"b":1}]');
    writer.clear();
    expect(writer.view()).toHaveLength(0);
  });
});
