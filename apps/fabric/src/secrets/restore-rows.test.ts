import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCrypto, openKeyRing } from '@provability-fabric/evidence';
import { type AuditRow, createAuditTrail, type SecretAccess } from '@provability-fabric/secrets';
import { MemoryJournal } from '@provability-fabric/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { restoreRows } from './restore-rows.ts';
import { markOpen } from './unclean-end.ts';

const folder = mkdtempSync(join(tmpdir(), 'pf-restore-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const LOG = 'ab'.repeat(16);
const crypto = nodeCrypto();

class Rows {
  readonly kept: AuditRow[] = [];
  isDown = false;

  async append(rows: readonly AuditRow[]): Promise<void> {
    if (this.isDown) throw new Error('down');
    this.kept.push(...rows);
  }
}

async function trail(rows: Rows, sessionLength = 3) {
  const journal = Object.assign(new MemoryJournal(), { id: LOG });
  const keys = await openKeyRing(join(folder, 'keys'), { origin: 'test.example/restore', create: true });
  const random = (length: number) => new Uint8Array(randomBytes(length));
  const signer = keys.evidenceSigner();
  const made = createAuditTrail({
    ...{ journal, rows, crypto, signer, random, logId: LOG, provider: 'embedded', sessionLength },
  });
  return { journal, made };
}

const access = (tenant: string, more: Partial<SecretAccess> = {}): SecretAccess => ({
  ...{
    id: randomUUID(),
    tenant,
    principal: 'agent-1',
    action: 'READ',
    secret: 'db/primary',
    result: 'SUCCESS',
  },
  ...{ details: { tool: 'x', cached: true }, at: Date.UTC(2026, 0, 1) },
  ...more,
});

describe('rows that a crash cut off', () => {
  it('are made again from the statements, as they would have been', async () => {
    const rows = new Rows();
    const { journal, made } = await trail(rows);
    for (const tenant of ['acme', 'globex', 'acme', 'acme', 'acme'])
      await made.record(access(tenant, { version: 7, errorCode: 'SECRET_NOT_FOUND' }));
    rows.isDown = true;
    await expect(made.record(access('acme'))).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
    const there = [...rows.kept];
    const again = new Rows();
    expect(await restoreRows({ journal, rows: again, crypto })).toBe(6);
    const byDigest = new Map(again.kept.map((row) => [row.statementDigest, row]));
    for (const row of there) expect(byDigest.get(row.statementDigest)).toEqual(row);
    expect(again.kept.filter(({ tenant }) => tenant === 'acme')).toHaveLength(5);
  });

  it('of another log are that one’s to restore', async () => {
    const rows = new Rows();
    const { journal, made } = await trail(rows);
    await made.record(access('acme'));
    const other = Object.assign(journal, { id: 'cd'.repeat(16) });
    expect(await restoreRows({ journal: other, rows: new Rows(), crypto })).toBe(0);
  });
});

describe('the mark of a service that runs', () => {
  it('is found again after a crash, and not after an end', async () => {
    const first = await markOpen(folder);
    expect(first.wasOpen).toBe(false);
    expect((await markOpen(folder)).wasOpen).toBe(true);
    await first.clear();
    expect((await markOpen(folder)).wasOpen).toBe(false);
  });
});
