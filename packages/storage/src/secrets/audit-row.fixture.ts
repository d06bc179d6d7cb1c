import { randomUUID } from 'node:crypto';
import type { AuditRow } from './audit-row.ts';

export const NOW = Date.now();
export const DIGEST = 'ab'.repeat(32);

export function rowOf(part: Partial<AuditRow> = {}): AuditRow {
  return {
    id: randomUUID(),
    tenant: 'acme',
    principal: 'agent-1',
    action: 'READ',
    secret: 'db/primary',
    result: 'SUCCESS',
    details: {},
    at: NOW,
    statementDigest: DIGEST,
    ...part,
  };
}
