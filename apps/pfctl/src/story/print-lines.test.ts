import { expect, test } from 'vitest';
import { storyLines } from './print-lines.ts';
import type { ActionLine, RecordLine, Said } from './story.ts';

const AT = '2026-01-01T00:00:00.000Z';
const layout = { columns: 100, all: true, style: (text: string) => text, shown: undefined };

function approval(said: Said | null): RecordLine {
  const record = { seq: 3, issued_at: AT, kind: 'approval', bundle: { name: 'desk', version: 1 } };
  return { kind: 'record', record, said } as unknown as RecordLine;
}

function refusal(clauses: readonly string[], target = 'send_mail'): ActionLine {
  const certificate = {
    seq: 4,
    issued_at: AT,
    action: { kind: 'call', target },
    verdict: 'reject',
    effect: 'block',
    mode: 'enforce',
    reasons: clauses.map((clause) => ({ code: 'LABEL_FLOW', clause })),
  };
  return {
    kind: 'action',
    certificate,
    args: { path: 'tenants/acme/customers.csv\u001b[2J' },
    outcome: null,
    raised: null,
  } as unknown as ActionLine;
}

test('an approver whose name would steer the terminal is only text', () => {
  const said = { approver: 'ann\u001b[2J', decision: 'approve', ticket: 'f'.repeat(32), of: null } as const;
  expect(storyLines([approval(said)], layout)).not.toContain('\u001b');
});

test('who decided, about which call and how is told as far as it is on record', () => {
  const of = { seq: 2, target: 'pay' };
  const said = { approver: 'ann', decision: 'deny', ticket: '25acb5f9'.repeat(4), of } as const;
  expect(storyLines([approval(said)], layout)).toContain('  ann denied ticket 25acb5f9… of #2 (pay)\n');
  expect(storyLines([approval({ ...said, decision: 'approve' })], layout)).toContain('ann approved ticket');
  expect(storyLines([approval(null)], layout)).toContain('somebody decided about a held call');
});

test('the names of clauses are never cut, however narrow it is', () => {
  const clauses = ['no-exfiltration', 'known-recipients', 'a-clause-of-a-rather-long-name'];
  for (const columns of [60, 80, 100]) {
    const text = storyLines([refusal(clauses)], { ...layout, columns });
    for (const clause of clauses) expect(text).toContain(clause);
    expect(text.split('\n').filter((line) => line.length > columns)).toEqual([]);
  }
});

test('arguments are told only where they are to be shown, and steer nothing', () => {
  expect(storyLines([refusal([])], layout)).not.toContain('customers');
  const shown = storyLines([refusal([])], { ...layout, shown: (value) => JSON.stringify(value) });
  expect(shown).toContain('\n      with {"path":"tenants/acme/customers.csv');
  expect(shown).not.toContain('\u001b');
});
