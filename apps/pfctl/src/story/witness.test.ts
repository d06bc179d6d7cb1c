import type { JsonValue } from '@provability-fabric/kernel';
import type { Reason } from '@provability-fabric/policy';
import { expect, test } from 'vitest';
import { witnessMembers, witnessWords } from './witness.ts';

const words = (code: Reason['code'], witness: JsonValue, hasHandles = false) =>
  witnessWords({ code, witness }, () => 'hidden', hasHandles);

test.each<[string, Reason['code'], JsonValue, string]>([
  ['a value', 'UNTRUSTED_ARGUMENT', { value: 'secret' }, 'value hidden'],
  ['what nobody has declared', 'UNTRUSTED_ARGUMENT', { novel: 'secret' }, 'novel hidden'],
  ['an evaluation that may quote a value', 'EVAL_ERROR', { problem: 'no `secret`' }, 'problem hidden'],
])('%s stays hidden', (_, code, witness, said) => {
  expect(words(code, witness)).toBe(said);
  const members = witnessMembers({ code, witness }, () => 'hidden');
  expect(JSON.stringify(members)).not.toContain('secret');
});

test.each<[string, Reason['code'], JsonValue, string]>([
  ['a problem', 'HANDLE_INVALID', { at: ['a/b', '0'], problem: 'is none' }, 'at /a~1b/0; problem is none'],
  [
    'people',
    'APPROVAL_DENIED',
    { wanted: 1, approved_by: [], denied_by: ['ann', 'bob'] },
    'wanted 1; approved_by none; denied_by ann, bob',
  ],
  ['attempts', 'LIMIT_EXCEEDED', { attempts: 8 }, 'attempts 8'],
  ['a tool and a type', 'NOT_PERMITTED', { tool: 'read_mail', type: 'date' }, 'tool read_mail; type date'],
])('%s is told', (_, code, witness, said) => {
  expect(words(code, witness)).toBe(said);
});

test('a limit is told as its author wrote it, and in JSON as it is counted', () => {
  const witness = {
    used: 189_500_000,
    amount: 90_000_000,
    max: 250_500_000,
    window_ms: null,
    per: 'tenant',
    unit: 'cost',
  };
  expect(words('BUDGET_EXCEEDED', witness)).toBe('used 189.5; amount 90; max 250.5; per tenant; unit cost');
  expect(words('BUDGET_EXCEEDED', { ...witness, used: null, amount: null })).toContain(
    'amount cannot be told',
  );
  expect(words('LIMIT_EXCEEDED', { ...witness, unit: 'calls', max: 3 })).toContain('max 3');
  expect(witnessMembers({ code: 'BUDGET_EXCEEDED', witness }, () => 'hidden')).toEqual(witness);
});

test('what handles carry is told beside what the session has read', () => {
  const witness = { session: 'secret {} trusted', may_hold: 'public {} trusted' };
  expect(words('LABEL_FLOW', witness, true)).toMatch(/^session and handles secret/);
  expect(words('LABEL_FLOW', witness)).toMatch(/^session secret/);
});
