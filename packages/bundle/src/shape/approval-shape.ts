import { asPrincipalId } from '@provability-fabric/kernel';
import { MAX_APPROVALS, MAX_WITHIN_MS } from '@provability-fabric/policy';
import { z } from 'zod';
import { parseDuration } from '../duration.ts';
import { line, list, map, someOf, textThat } from './shape.ts';

// Who approves: the same keys in a clause that holds and in a release that waits for somebody.

const principalId = textThat('a principal id out of A-Z a-z 0-9 . _ : @ / + -', asPrincipalId);
const COUNT = `a whole number from 1 to ${MAX_APPROVALS}`;
const approvals = z
  .number({ error: COUNT })
  .refine((count) => Number.isInteger(count) && count >= 1 && count <= MAX_APPROVALS, { error: COUNT });
const within = textThat('a duration of 1 ms to 24h like 15m', (text) => {
  const ms = parseDuration(text) ?? 0;
  return ms >= 1 && ms <= MAX_WITHIN_MS;
});

export const approvalKeys = {
  approvals: approvals.default(1),
  approvers: someOf({ roles: list(line).optional(), ids: list(principalId).optional() }),
  within: within.default('15m'),
};

export const approver = map(approvalKeys);
