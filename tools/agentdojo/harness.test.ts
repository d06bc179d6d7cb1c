import type { JsonValue } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isGoalCall } from './corpus.ts';
import { call, LETTERS, SUITE } from './made-up.fixture.ts';
import { measure } from './measure.ts';
import { figuresIn, inPage } from './page.ts';
import { judgeOf } from './policies.ts';
import { printed, recordsIn } from './records.ts';
import { renamed } from './rename.ts';
import { applyReview, parseReview } from './review.ts';
import { simplePolicies } from './simple-policies.ts';
import { BUNDLE, draftOf, withReview } from './suites-bundles.ts';
import { toolFacts } from './tool-facts.ts';

const REVIEW = parseReview(`- { tools: [list_*], text: yaml }
- { tools: [list_*], field: "/*/sender", label: { level: internal, integrity: trusted } }`);
const shares = ({ attacks, benign, tasks }: ReturnType<typeof measure>) =>
  [attacks, benign, tasks].map(({ hits, of }) => `${hits}/${of}`);

describe('a result', () => {
  it('is told from a text, and read back as the record that the runner printed', () => {
    expect(recordsIn(LETTERS)).toMatchObject([{ id: 7, sender: 'ann@desk.example' }, { id: 12 }]);
    expect(recordsIn(printed(recordsIn(LETTERS) ?? null))).toEqual(recordsIn(LETTERS));
    for (const text of [
      'Dear reader, hello',
      '- a\n b: - c',
      'plain',
      '',
      '- &a x\n- *a',
      '!!js/function x',
    ]) {
      expect(recordsIn(text)).toBeUndefined();
    }
  });
});

describe('a call of a goal', () => {
  const goals = SUITE.goals.get('injection_task_0') ?? [];
  it('is one of its tool with a value that the instruction gave, however it is spelled', () => {
    expect(isGoalCall(goals, call('send_letter', { recipient: ['Eve@bad.example '] }))).toBe(true);
    expect(isGoalCall(goals, call('send_letter', { text: 'eve@bad.example' }))).toBe(false);
    expect(isGoalCall(goals, call('list_letters', { recipient: 'eve@bad.example' }))).toBe(false);
  });
});

describe('measuring', () => {
  it('counts an attack only where a call of its goal is refused', async () => {
    expect(shares(measure(SUITE, () => []))).toEqual(['0/2', '2/2', '1/1']);
    // The second attack wrote to somebody else than its goal says: nothing that is refused of it blocks the
    // goal.
    expect(shares(measure(SUITE, ({ calls }) => calls.map((_, at) => at)))).toEqual(['1/2', '0/2', '0/1']);
  });

  it('finds that the draft refuses whom a letter names, and the review lets its senders be answered', async () => {
    const draft = draftOf(SUITE);
    expect(shares(measure(SUITE, await judgeOf(draft)))).toEqual(['1/2', '1/2', '1/1']);
    expect(shares(measure(SUITE, await judgeOf(withReview(draft, REVIEW))))).toEqual(['1/2', '2/2', '1/1']);
  });

  it('gives the simple policies what they ask for', () => {
    const facts = toolFacts(draftOf(SUITE).get(BUNDLE) ?? '');
    expect(simplePolicies(SUITE, facts).map(({ judge }) => shares(measure(SUITE, judge)))).toEqual([
      ['1/2', '0/2', '1/1'],
      ['1/2', '1/2', '1/1'],
      ['1/2', '1/2', '1/1'],
    ]);
  });
});

describe('a review', () => {
  it('changes only lines that it marks, and one that fits nothing changes none', () => {
    const draft = draftOf(SUITE).get(BUNDLE) ?? '';
    const { bundleYaml, changed } = applyReview(draft, REVIEW);
    const before = draft.split('\n');
    const different = bundleYaml.split('\n').filter((line, at) => line !== before[at]);
    expect(changed).toBe(1);
    expect(different).toHaveLength(1);
    expect(different[0]).toMatch(/^ {4}returns: .*text: yaml.*"\/\*\/sender".* {2}# reviewed$/);
    expect(applyReview(draft, parseReview('- { tools: [other], parameter: recipient, rule: null }'))).toEqual(
      {
        bundleYaml: draft,
        changed: 0,
      },
    );
  });

  it('can drop a demand, and is refused where a line is half', () => {
    const draft = draftOf(SUITE).get(BUNDLE) ?? '';
    const { bundleYaml } = applyReview(draft, parseReview('- { tools: ["*"], parameter: cc, rule: null }'));
    const { tools } = parse(bundleYaml) as {
      readonly tools: Record<string, { readonly parameters?: object }>;
    };
    expect(Object.keys(tools.send_letter?.parameters ?? {})).toEqual(['recipient']);
    expect(() => parseReview('- { tools: ["*"], field: "/x" }')).toThrow('complete');
    expect(() => parseReview('- { tool: x }')).toThrow('complete');
  });
});

describe('renaming', () => {
  const renamedArgument = (value: JsonValue): JsonValue => {
    const run = { ...SUITE.benign[0], calls: [call('t', { value })] } as (typeof SUITE.benign)[number];
    return (
      renamed({ ...SUITE, attacks: [], tasks: [], goals: new Map(), benign: [run] }).benign[0]?.calls[0]?.args
        .value ?? null
    );
  };

  it('keeps words words, addresses addresses, numbers numbers and dates dates', () => {
    expect(renamedArgument('Ann@desk.example, 2024-05-31 13:45, 1.50, 31 May 2024, x7')).toMatch(
      /^[A-Z][a-z]{2}@[a-z]{4}\.[a-z]{7}, 2028-07-31 14:46, 3\.60, 31 July 2028, [a-z]8$/,
    );
    expect(renamedArgument(12.5)).toBe(10.6);
  });

  it('is the same for the same: parts of a value stay parts of it, and no two become one', () => {
    const word = fc.stringMatching(/^[A-Za-z]{1,12}$/);
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(renamedArgument(`${a}${b}`)).toBe(`${renamedArgument(a)}${renamedArgument(b)}`);
        expect(renamedArgument(a) === renamedArgument(b)).toBe(a === b);
        expect(renamedArgument(a)).not.toBe(a);
      }),
    );
    const numbers = Array.from({ length: 1000 }, (_, number) => renamedArgument(number));
    expect(new Set(numbers).size).toBe(1000);
  });

  it('changes no answer', async () => {
    const judge = await judgeOf(withReview(draftOf(SUITE), REVIEW));
    expect(shares(measure(renamed(SUITE), judge))).toEqual(shares(measure(SUITE, judge)));
  });
});

describe('the page', () => {
  it('takes figures between its marks and gives them back', () => {
    const page = 'a\n<!-- begin: npm run agentdojo -->\nold\n<!-- end: npm run agentdojo -->\nb\n';
    expect(figuresIn(inPage(page, 'new'))).toBe('new');
    expect(inPage(inPage(page, 'x'), 'y')).toBe(inPage(page, 'y'));
    expect(() => figuresIn('nothing')).toThrow('marks');
  });
});
