import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Diagnostics } from '../diagnostics.ts';
import { readYaml } from './read-yaml.ts';

function read(text: string) {
  const found = new Diagnostics();
  const document = readYaml('f.yaml', text, found);
  return { document, errors: found.errors().map(({ code, line, column }) => `${code} ${line}:${column}`) };
}

describe('reading YAML', () => {
  it.each([
    ['flow maps', '{'.repeat(100_000)],
    ['flow lists', '['.repeat(100_000)],
    ['both', '[{'.repeat(50_000)],
    ['block lists', '- '.repeat(100_000)],
    ['complex keys', '? '.repeat(100_000)],
    ['indentation', Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('survives nesting without end: %s', (_name, text) => {
    const { document, errors } = read(text);
    expect(document).toBeUndefined();
    expect(errors.length).toBeGreaterThan(0);
  });

  it('takes time in proportion to its input, however many keys and brackets there are', () => {
    const started = performance.now();
    expect(read(Array.from({ length: 40_000 }, (_, index) => `a${index}:`).join('\n')).errors).toEqual([]);
    expect(read(']'.repeat(200_000)).errors.length).toBe(1);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('never expands an alias', () => {
    const bomb = `a: &a [x, x]\n${Array.from({ length: 30 }, (_, n) => `b${n}: &b${n} [*a, *a]`).join('\n')}`;
    expect(read(bomb).errors.every((error) => error.startsWith('YAML_FEATURE'))).toBe(true);
    expect(read('a: &a b\nc: *a\n').errors).toEqual(['YAML_FEATURE 1:7', 'YAML_FEATURE 2:4']);
  });

  it('does not merge keys', () => {
    expect(read('<<: { a: 1 }').document?.value).toEqual({ '<<': { a: 1 } });
  });

  it('reads YAML 1.2: yes is a word, an octal needs its o, a large integer keeps its digits', () => {
    expect(read('[yes, 0o17, 017, 9007199254740993, -0.0, 1e2, ~, "", 2026-01-01]').document?.value).toEqual([
      'yes',
      15,
      17,
      9007199254740993n,
      0,
      100,
      null,
      '',
      '2026-01-01',
    ]);
  });

  it('takes every key as the text it is written as', () => {
    expect(read('1: a\ntrue: b\nnull: c\n').document?.value).toEqual({ 1: 'a', true: 'b', null: 'c' });
    expect(read('[a]: b').errors).toEqual(['YAML_SYNTAX 1:1']);
  });

  it('reads an empty file as nothing', () => {
    expect(read('').document?.value).toBe(null);
    expect(read('# only a comment\n').document?.value).toBe(null);
  });

  it('knows where everything is, in files with every kind of line end', () => {
    const { document } = read('a: 1\r\nb:\r\n  - x\r\n  - { c: "☂", d: e }\r\n');
    const { locations } = document ?? {};
    expect(locations?.key('b')).toEqual({ file: 'f.yaml', line: 2, column: 1 });
    expect(locations?.value('b', 1, 'd')).toEqual({ file: 'f.yaml', line: 4, column: 18 });
    expect(locations?.value('b', 7, 'd')).toEqual({ file: 'f.yaml', line: 3, column: 3 });
    expect(locations?.key('constructor')).toEqual({ file: 'f.yaml', line: 1, column: 1 });
  });

  it('gives back what JSON says, whatever that is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        fc.pre(!JSON.stringify(value).includes('"__proto__"') && !/\\ud[89a-f]/i.test(JSON.stringify(value)));
        const { document, errors } = read(JSON.stringify(value));
        expect(errors).toEqual([]);
        expect(
          JSON.stringify(document?.value, (_key, part) => (typeof part === 'bigint' ? Number(part) : part)),
        ).toBe(JSON.stringify(value).replaceAll(/(?<=[[:,])-0(?=[\],}])/g, '0'));
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  it('never throws, and says nothing of a document that it refuses', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(...'abc:-?[]{},&*!|>\'"%@`#\n\n  \t\\0~.eE+\u0000\u0085\ufeff\ud800'),
          maxLength: 80,
        }),
        (text) => {
          const { document, errors } = read(text);
          expect(document === undefined).toBe(errors.length > 0);
        },
      ),
      { numRuns: 3000, seed: 5 },
    );
  });
});
