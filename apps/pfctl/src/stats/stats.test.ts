import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Decision, writePlainLog } from '../evidence/plain-log.fixture.ts';
import { pfctl } from '../terminal.fixture.ts';
import { Counted } from './most-frequent.ts';

const folders = temporaryFolders();
let directory = '';

const AT = (minute: number) => `2026-03-01T11:${String(minute).padStart(2, '0')}:00.000Z`;
const let_through = { effect: 'allow', verdict: 'reject', mode: 'monitor' } as const;
const leak = { clause: 'no-leak', code: 'LABEL_FLOW' };

const DECISIONS: readonly Decision[] = [
  { session: 's1', at: AT(0), outcome: 'done' },
  { session: 's1', at: AT(1), tool: 'send_mail', outcome: 'failed' },
  {
    session: 's1',
    at: AT(2),
    tool: 'send_mail',
    ...let_through,
    reasons: [{ ...leak, mode: 'monitor' }],
    outcome: 'ambiguous',
  },
  // Twice in one action is one violation.
  {
    session: 's1',
    at: AT(3),
    tool: 'send_mail',
    ...let_through,
    reasons: [
      { ...leak, mode: 'shadow' },
      { ...leak, mode: 'shadow' },
    ],
  },
  {
    session: 's2',
    at: AT(4),
    tool: 'pay',
    effect: 'block',
    verdict: 'reject',
    reasons: [leak, { clause: null, code: 'NOT_PERMITTED' }],
  },
  {
    session: 's2',
    at: AT(5),
    tool: 'pay',
    effect: 'hold',
    verdict: 'hold',
    reasons: [{ clause: 'ask-first', code: 'APPROVAL_REQUIRED' }],
  },
  { tenant: 'globex', session: 's1', at: AT(6), principal: 'other', mode: 'disabled' },
];

beforeAll(async () => {
  directory = folders.make({ 'config/local/fabric.yaml': 'data_dir: data\n' });
  await writePlainLog(join(directory, 'data'), DECISIONS);
});
afterAll(() => folders.removeAll());

const stats = async (...args: string[]) =>
  JSON.parse((await pfctl(['stats', '--format', 'json', ...args], { directory })).out);

describe('stats', () => {
  test('tool names and principals from an agent cannot steer the terminal or forge a row', async () => {
    const hostile = folders.make();
    await writePlainLog(hostile, [
      { session: 's', at: AT(0), tool: 'x\u001b[2J\nsend_mail  999  999', principal: 'a\u202eb' },
      { session: 's', at: AT(1), tool: '__proto__' },
    ]);
    const { code, out } = await pfctl(['stats', '--data', hostile]);
    expect(code).toBe(0);
    expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    expect(out.split('\n').filter((line) => line.startsWith('send_mail'))).toEqual([]);
    expect(out).toContain('call x\\u001b[2J\\u000asend_mail');
    expect(out).toMatch(/\ncall __proto__ +1 +1 /);
  });

  test('counts decisions, violations by clause and mode, tools and principals', async () => {
    const counted = await stats();
    expect(counted).toMatchObject({
      since: null,
      until: null,
      freed: 0,
      statements: 10,
      sessions: 3,
      first: AT(0),
      last: AT(6),
      decisions: {
        total: 7,
        effect: { allow: 5, hold: 1, block: 1 },
        verdict: { accept: 3, hold: 1, reject: 3, error: 0 },
        mode: { shadow: 0, monitor: 2, enforce: 4, disabled: 1 },
        let_through: 2,
      },
      outcomes: { done: 1, failed: 1, ambiguous: 1 },
    });
    expect(counted.clauses).toEqual([
      { clause: 'no-leak', code: 'LABEL_FLOW', check: 'flow', shadow: 1, monitor: 1, enforce: 1, total: 3 },
      {
        clause: 'ask-first',
        code: 'APPROVAL_REQUIRED',
        check: 'flow',
        shadow: 0,
        monitor: 0,
        enforce: 1,
        total: 1,
      },
      { clause: null, code: 'NOT_PERMITTED', check: 'flow', shadow: 0, monitor: 0, enforce: 1, total: 1 },
    ]);
    expect(counted.tools).toEqual({
      named: [
        { name: 'call send_mail', total: 3, allow: 3, hold: 0, block: 0, let_through: 2 },
        { name: 'call pay', total: 2, allow: 0, hold: 1, block: 1, let_through: 0 },
        { name: 'call read_text_file', total: 2, allow: 2, hold: 0, block: 0, let_through: 0 },
      ],
      others: 0,
    });
    expect(
      counted.principals.named.map(({ name, total }: { name: string; total: number }) => [name, total]),
    ).toEqual([
      ['agent of acme', 6],
      ['other of globex', 1],
    ]);
  });

  test('selects by time, session and tenant, and names no more than asked', async () => {
    expect((await stats('--tenant', 'globex')).decisions.total).toBe(1);
    expect((await stats('--session', 's1')).decisions.total).toBe(5);
    expect((await stats('--session', 's1', '--tenant', 'acme')).decisions.total).toBe(4);
    // It is 12:00 in every test.
    expect((await stats('--since', '57 minutes ago')).decisions.total).toBe(4);
    expect((await stats('--since', AT(1), '--until', AT(3))).first).toBe(AT(1));
    expect((await stats('--since', `${AT(1)}/${AT(3)}`)).decisions.total).toBe(2);
    const none = await stats('--since', 'now');
    expect([none.decisions.total, none.first, none.clauses]).toEqual([0, null, []]);
    const top = await stats('--top', '1');
    expect([top.tools.named.length, top.tools.others]).toEqual([1, 2]);
    expect((await pfctl(['stats', '--since', 'yesterday'], { directory })).code).toBe(3);
  });

  test('reads well', async () => {
    const { code, out } = await pfctl(['stats', '--top', '1', '--since', '1h'], { directory });
    expect(code).toBe(0);
    expect(out).toBe(
      `log:         test.example/log
range:       2026-03-01T11:00:00.000Z to the end
statements:  10 of 3 sessions
decisions:   7, 2026-03-01T11:00:00.000Z to 2026-03-01T11:06:00.000Z
effect:      allow 5, hold 1, block 1
verdict:     accept 3, hold 1, reject 3
mode:        monitor 2, enforce 4, disabled 1
let through: 2 (found something, and a mode below enforce allowed it)
outcomes:    done 1, failed 1, ambiguous 1

CLAUSE     CODE               CHECK  SHADOW  MONITOR  ENFORCE  VIOLATIONS
no-leak    LABEL_FLOW         flow   1       1        1        3
ask-first  APPROVAL_REQUIRED  flow   0       0        1        1
-          NOT_PERMITTED      flow   0       0        1        1

TOOL            DECISIONS  ALLOW  HOLD  BLOCK  LET THROUGH
call send_mail  3          3      0     0      2
and 2 other tools; --top shows more

PRINCIPAL      DECISIONS  ALLOW  HOLD  BLOCK  LET THROUGH
agent of acme  6          4      1     1      2
and 1 other principal; --top shows more
`,
    );
  });

  test('counts ten thousand decisions in a moment', async () => {
    const many = folders.make();
    function* decisions(): Generator<Decision> {
      for (let at = 0; at < 10_000; at += 1)
        yield { session: `s${at % 500}`, at: AT(at % 60), tool: `t${at % 1000}` };
    }
    await writePlainLog(many, decisions());
    const begun = performance.now();
    const { out } = await pfctl(['stats', '--format', 'json', '--data', many]);
    expect(JSON.parse(out).decisions.total).toBe(10_000);
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  test('without a log there is nothing to count', async () => {
    expect((await pfctl(['stats', '--data', folders.make()])).code).toBe(4);
  });
});

test('what is counted by name adds up, however many names there are', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 2 })), fc.integer({ min: 0, max: 5 }), (names, most) => {
      const counted = new Counted<{ n: number }>(() => ({ n: 0 }), most);
      for (const name of names) counted.of(name).n += 1;
      const { rows, others, rest } = counted.greatest(names.length, ({ n }) => n);
      expect(rows.length + others).toBeLessThanOrEqual(most);
      expect(rows.reduce((total, [, { n }]) => total + n, rest?.n ?? 0)).toBe(names.length);
    }),
  );
});
