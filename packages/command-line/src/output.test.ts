import fc from 'fast-check';
import { expect, test } from 'vitest';
import { styleFor } from './style.ts';
import { table } from './table.ts';
import { visible, visibleJson } from './visible.ts';

const STEERING = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u200b\ufeff\u{e0000}-\u{e0fff}]/u;
const PLAIN = /^[\p{L}\p{N}\p{P}\p{S}\p{Zs}]*$/u;

test('nothing that a terminal obeys, hides or reorders is left, and the rest is as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff)), (units) => {
      const text = String.fromCharCode(...units);
      const shown = visible(text);
      expect(STEERING.test(shown)).toBe(false);
      if (PLAIN.test(text)) expect(shown).toBe(text);
    }),
  );
  expect(visible('a\u{e0041}\u001b[2J\u202eb')).toBe('a\\udb40\\udc41\\u001b[2J\\u202eb');
});

test('JSON made visible is still the same JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(visibleJson(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('a cell cannot forge a row', () => {
  const text = table(['name', 'effect'], [['a\nadmin  allow', 'block']], styleFor(false));
  expect(text).toBe('NAME                 EFFECT\na\\u000aadmin  allow  block\n');
});

test('colour changes no width', () => {
  const plain = (text: string) =>
    text.replaceAll('\u001b[32m', '').replaceAll('\u001b[2m', '').replaceAll('\u001b[0m', '');
  const rows = [
    ['x', 'allow'],
    ['longer', 'b'],
  ];
  const coloured = table(['a', 'b'], rows, styleFor(true), (cell) => styleFor(true)(cell, 'good'));
  expect(plain(coloured)).toBe(table(['a', 'b'], rows, styleFor(false)));
});
