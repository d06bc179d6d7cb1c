import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeIntroductions } from './merge.ts';
import { tagged, untagged } from './tagged-id.ts';
import { mayComeOf } from './uri-template.ts';

describe('ids of several servers', () => {
  it('come back as they were, whatever they are; made-up ones name nobody (property)', () => {
    const id = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 50 }), fc.integer(), fc.bigInt());
    fc.assert(
      fc.property(fc.nat(9_999), id, (member, own) => {
        const back = untagged(tagged(member, own));
        expect(back?.member).toBe(member);
        expect(String(back?.id)).toBe(String(own));
        expect(typeof back?.id === 'string').toBe(typeof own === 'string');
      }),
    );
    fc.assert(fc.property(fc.jsonValue(), (value) => void untagged(value as never)));
    for (const made of ['', '1', '/1', '-1/1', '1/{}', '1/[', '1/null', '99999/1', 7, null]) {
      expect(untagged(made as never), String(made)).toBeUndefined();
    }
  });
});

describe('uri templates', () => {
  it('fit what they can have become', () => {
    const cases: [string, string, boolean][] = [
      ['db://{table}/rows/{id}', 'db://users/rows/7', true],
      ['db://{table}/rows/{id}', 'db://users/columns/7', false],
      ['file:///{+path}', 'file:///a/b', true],
      ['file:///a', 'file:///a', true],
      ['file:///a', 'file:///ab', false],
      ['a{x}a', 'a', false],
      ['{x}', '', true],
    ];
    for (const [template, uri, fits] of cases) expect(mayComeOf(template, uri), template).toBe(fits);
  });

  it('made to be slow are not', () => {
    const started = performance.now();
    mayComeOf('{a}x'.repeat(50_000), 'x'.repeat(200_000));
    mayComeOf('{a}'.repeat(100_000), 'y'.repeat(200_000));
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('introductions', () => {
  it('become one: the oldest protocol, all capabilities, and who said which instructions', () => {
    const merged = mergeIntroductions([
      {
        name: 'a',
        result: {
          protocolVersion: '2025-11-25',
          capabilities: { tools: { listChanged: false }, logging: {} },
          instructions: 'Use with care.',
        },
      },
      {
        name: 'b',
        result: {
          protocolVersion: '2025-06-18',
          capabilities: { tools: { listChanged: true }, resources: {} },
        },
      },
    ]);
    expect(merged).toEqual({
      protocolVersion: '2025-06-18',
      capabilities: { tools: { listChanged: true }, logging: {}, resources: {} },
      serverInfo: { name: 'provability-fabric', version: '1' },
      instructions: 'a:\nUse with care.',
    });
  });
});
