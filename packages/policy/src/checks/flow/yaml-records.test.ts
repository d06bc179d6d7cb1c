import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ANY, bundle, clause, codes, parameter, TestSession, tool } from '../../session.fixture.ts';
import { yamlIn } from './yaml-records.ts';

describe('records in YAML text', () => {
  it.each([
    ['a scalar', 'hello'],
    ['prose with a colon in it', 'Dear Ann,\nplease note: pay'],
    ['a key twice, which two readers read in two ways', 'id: 1\nid: 2'],
    ['a comment', '- id: 1 # 2'],
    ['an anchor or alias', '- &a x\n- *a'],
    ['a tag', '- !!str x'],
    ['a flow collection', '- { id: 1 }'],
    ['a block scalar', '- |\n  id: 1'],
    ['a second key on a line', '- a: b: c'],
    ['a tab', '- a:\n\t- b'],
    ['two documents', '- a\n---\n- b'],
    ['text after a quote', "- 'a' b"],
    ['a quote without an end', "- 'a"],
    ['an escape that YAML does not have', '- "\\q"'],
    ['a line that is in nobody’s block', '- a\n b: c'],
    ['a list that ends in the middle of a map', 'a: 1\n- b'],
    [
      'what is nested without an end',
      Array.from({ length: 100 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
    ],
    ['a line separator that only some readers see', '- a\u2028- b'],
  ])('are not in %s', (_what, text) => {
    expect(yamlIn(text)).toBeUndefined();
  });

  it('are read as serializers print them', () => {
    const text = `- all_day: false
  description: Meet and connect. Don't
    miss it!
  id_: '13'
  score: 1.50
  note: 'It''s

    two lines,
    folded'
  more: "a \\
    \\ b\\n\\u00e9"
  people:
  - ann@desk.example
  shared: {}
  tags: []
  inner:
    a: null
  last:
- id_: 14`;
    expect(yamlIn(text)).toEqual([
      {
        all_day: false,
        description: "Meet and connect. Don't miss it!",
        id_: '13',
        score: 1.5,
        note: "It's\ntwo lines, folded",
        more: 'a  b\né',
        people: ['ann@desk.example'],
        shared: {},
        tags: [],
        inner: { a: null },
        last: null,
      },
      { id_: 14 },
    ]);
  });

  it('are what a serializer wrote, or not read at all', () => {
    const key = fc.stringMatching(/^[a-z_]{1,6}$/).filter((name) => name !== 'null' && name !== 'true');
    const scalar = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[a-z :#'"\n-]{0,30}$/),
      fc.integer(),
      fc.boolean(),
    );
    const record = fc.dictionary(key, fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })), {
      minKeys: 1,
      maxKeys: 4,
    });
    let read = 0;
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(0, 20, 80),
        (records, lineWidth) => {
          const text = stringify(records, {
            lineWidth,
            blockQuote: false,
            defaultStringType: 'QUOTE_DOUBLE',
            defaultKeyType: 'PLAIN',
          });
          const value = yamlIn(text);
          if (value === undefined) return;
          read += 1;
          expect(value).toEqual(records);
        },
      ),
      { numRuns: 500 },
    );
    expect(read).toBeGreaterThan(100);
  });

  it('are looked for in linear time, whatever the text', () => {
    for (const text of [
      '- '.repeat(200_000),
      `- '${"''".repeat(200_000)}`,
      `a: ${'b\n '.repeat(200_000)}`,
      'a:\n'.repeat(200_000),
    ]) {
      const start = performance.now();
      yamlIn(text);
      expect(performance.now() - start).toBeLessThan(2_000);
    }
  });
});

describe('a tool that writes YAML', () => {
  const UNTRUSTED = { level: 'public', compartments: [], integrity: 'untrusted' } as const;
  const fields = { '/*/id': { ...UNTRUSTED, integrity: 'trusted' } } as const;
  const asked = (text: 'json' | 'yaml', result: string) => {
    const session = new TestSession(
      bundle({
        tools: {
          list: tool({ returns: UNTRUSTED, fields, text }),
          close: tool({ effect: 'write', parameters: { '/id': parameter({ trusted: true }) } }),
        },
        clauses: [clause({ id: 'vouched', kind: 'flow', rule: 'parameters', on: ANY })],
      }),
    );
    session.settle(session.ask('list').id, 'done', { content: [{ type: 'text', text: result }] });
    return codes(session.ask('close', { id: 'T-901' }));
  };
  const LIST = '- id: T-901\n  note: hello';

  it('has its fields labelled, in an MCP text too, and nothing else has', () => {
    expect(asked('yaml', LIST)).toEqual([]);
    expect(asked('json', LIST)).toEqual(['UNTRUSTED_ARGUMENT']);
    expect(asked('yaml', `sorry: ${LIST}`)).toEqual(['UNTRUSTED_ARGUMENT']);
    expect(asked('yaml', `- id: T-902\n  note: "\\n- id: T-901"`)).toEqual(['UNTRUSTED_ARGUMENT']);
  });
});
