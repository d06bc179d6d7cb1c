import { describe, expect, it } from 'vitest';
import { at, PARTS, sourcesWith } from './sources.fixture.ts';
import { readTestCases } from './test-cases.ts';

function cases(tests: string) {
  const read = readTestCases(sourcesWith({ tests }));
  if (!read.ok) throw new Error(read.errors.map(at).join('\n'));
  return read.cases;
}

describe('test cases', () => {
  it('say what they need and leave the rest to defaults', () => {
    expect(cases(PARTS.tests)).toEqual([
      {
        name: 'a read',
        file: 'tests/basic.yaml',
        line: 1,
        mode: 'enforce',
        trace: {
          session: 'test',
          principal: { id: 'agent', roles: [], org: 'acme', tenant: 'acme', attributes: {} },
          prompt: null,
          events: [
            {
              at: Date.parse('2026-01-01T00:00:00Z'),
              action: { kind: 'call', target: 'read_file', args: { path: 'inbox/1' } },
              outcome: 'done',
              result: null,
              epoch: 1,
            },
          ],
        },
        expected: [{ line: 3, effect: 'allow', code: null, clause: null }],
      },
    ]);
  });

  it('run on a clock of their own: a second a step, or as they say', () => {
    const [test] = cases(`- name: x
  principal: { id: a, roles: [b], tenant: globex }
  prompt: do it
  mode: monitor
  events:
    - { tool: read_file, expect: { effect: allow } }
    - { tool: read_file, expect: { effect: allow } }
    - { read: "demo://x", at: 10m, result: { n: 9007199254740993 }, outcome: failed, expect: { effect: block, code: LABEL_FLOW, clause: labels } }
    - { tool: read_file, at: "2026-02-01T00:00:00.5Z", expect: { effect: allow } }
    - { tool: read_file, expect: { effect: allow } }
`);
    const start = Date.parse('2026-01-01T00:00:00Z');
    const later = Date.parse('2026-02-01T00:00:00.5Z');
    expect(test?.trace.events.map((event) => event.at)).toEqual([
      start,
      start + 1000,
      start + 600_000,
      later,
      later + 1000,
    ]);
    expect(test?.trace.principal).toEqual({
      id: 'a',
      roles: ['b'],
      org: 'globex',
      tenant: 'globex',
      attributes: {},
    });
    expect(test?.trace.events[2]).toMatchObject({
      action: { kind: 'read', target: 'demo://x' },
      outcome: 'failed',
      result: { n: 9007199254740993n },
    });
    expect(test?.expected[2]).toEqual({ line: 8, effect: 'block', code: 'LABEL_FLOW', clause: 'labels' });
    expect(test).toMatchObject({ mode: 'monitor', trace: { prompt: 'do it' } });
  });

  it('come in the order of their files', () => {
    const files = new Map(sourcesWith().files);
    for (const name of ['b', 'a']) files.set(`tests/${name}.yaml`, PARTS.tests);
    const read = readTestCases({ files });
    expect(read.ok && read.cases.map(({ file }) => file)).toEqual([
      'tests/a.yaml',
      'tests/b.yaml',
      'tests/basic.yaml',
    ]);
  });

  it('that are malformed are named by place', () => {
    const read = readTestCases(sourcesWith({ tests: '- name: x\n  events: []\n- {}\n' }));
    expect(read.ok ? [] : read.errors.map(at)).toEqual([
      'WRONG_VALUE at tests/basic.yaml:2:11',
      'MISSING_KEY at tests/basic.yaml:3:3',
      'MISSING_KEY at tests/basic.yaml:3:3',
    ]);
  });

  it('of an empty file are a mistake, not a success', () => {
    const read = readTestCases(sourcesWith({ tests: '# nothing yet\n' }));
    expect(read.ok ? [] : read.errors.map(at)).toEqual(['WRONG_VALUE at tests/basic.yaml:1:1']);
  });
});
