import { styleFor } from '@provability-fabric/command-line';
import { expect, test } from 'vitest';
import { auditTable } from './audit-table.ts';

test('a record is shown whatever somebody wrote into it', () => {
  const records = [
    {
      index: 1,
      ts: '2026-03-01T12:00:00Z',
      actor: 'api',
      kind: 'change-applied',
      policy_verdict: 'approved',
      applied: true,
      manifest_sha256: 'ab'.repeat(32),
      error: null,
    },
    {
      index: 2,
      ts: { odd: '\u202e' },
      actor: 7,
      policy_verdict: { verdict: 'blocked' },
      applied: false,
      error: 'no\n',
    },
    {},
  ];
  expect(auditTable(records, styleFor(false))).toBe(
    'INDEX  TIME                  ACTOR  WHAT            VERDICT   APPLIED  MANIFEST      ERROR\n' +
      '1      2026-03-01T12:00:00Z  api    change-applied  approved  yes      abababababab  -\n' +
      '2      {"odd":"\\u202e"}      7      -               blocked   no       -             no\\u000a\n' +
      '-      -                     -      -               -         -        -             -\n',
  );
});
