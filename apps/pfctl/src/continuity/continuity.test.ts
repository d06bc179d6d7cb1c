import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { nodeCrypto } from '@provability-fabric/evidence';
import { createAuditTrail, type SecretAccess } from '@provability-fabric/secrets';
import { openSecretAuditLog } from '@provability-fabric/storage';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addChanges } from '../evidence/changes.fixture.ts';
import { startTestLedger, type TestLedger } from '../ledger/ledger.fixture.ts';
import type { AccessContinuity, Continuity } from './continuity.ts';

let ledger: TestLedger;
/** Later than rows may still be on their way. */
const LATER_MS = 600_000;

/** Accesses of two tenants, in sessions of four, of which the last has no row: the database failed then. */
beforeAll(async () => {
  ledger = await startTestLedger(async (log, ring, database) => {
    const rows = openSecretAuditLog({ database });
    let fail = false;
    const trail = createAuditTrail({
      journal: log,
      rows: {
        append: async (appended) => {
          if (fail) throw new Error('gone');
          await rows.append(appended);
        },
      },
      crypto: nodeCrypto(),
      signer: ring.evidenceSigner(),
      random: (length) => new Uint8Array(randomBytes(length)),
      logId: log.id,
      provider: 'embedded',
      sessionLength: 4,
    });
    const access = (tenant: string): SecretAccess => ({
      id: randomUUID(),
      tenant,
      principal: 'alice',
      action: 'READ',
      secret: 'db/primary',
      version: 1,
      result: 'SUCCESS',
      details: {},
      at: Date.now(),
    });
    for (let n = 0; n < 9; n++) await trail.record(access(n % 3 === 0 ? 'globex' : 'acme'));
    const change = { ...access('acme'), action: 'WRITE' } as const;
    for (const result of ['STARTED', 'STARTED', 'SUCCESS'] as const)
      await trail.record({ ...change, result });
    fail = true;
    await trail.record(access('acme')).catch(() => undefined);
    await rows.close();
    await addChanges(log, ring.evidenceSigner(), Array(6).fill('change-refused'));
  });
  await ledger.tamper('alter table public.secret_audit_logs no force row level security');
});
afterAll(() => ledger?.stop());

interface Checked extends Omit<Continuity, 'accesses'> {
  readonly continuous: boolean;
  readonly finding_count: number;
  readonly accesses: AccessContinuity & {
    readonly unattested_count: number;
    readonly unlisted_count: number;
  };
}

async function check(later = LATER_MS, ...options: string[]): Promise<{ code: number; said: Checked }> {
  const now = () => Date.now() + later;
  const args = ['continuity', 'check', '--format', 'json', ...options];
  const { code, out, err } = await ledger.pfctl(args, { now });
  if (out === '') throw new Error(err);
  return { code, said: JSON.parse(out) };
}

const insert = (values: string, columns = '') =>
  ledger.tamper(`insert into public.secret_audit_logs (tenant_id, user_id, secret_key, action, result${columns})
    values (${values})`);

describe('continuity check, of a database that somebody wrote to', () => {
  afterEach(() => ledger.restore());

  const newest = (type: string, offset = 0) =>
    `(select log_index from pf.statements where type = '${type}' order by 1 desc limit 1 offset ${offset})`;

  test.each([
    [
      'an entry was taken away',
      `delete from pf.statements where log_index = ${newest('permission-certificate', 3)}`,
    ],
    ['an access was taken away', `delete from pf.statements where log_index = ${newest('secret-access', 4)}`],
    [
      'an access was said to be somebody else’s',
      `update pf.statements set principal = 'mallory' where log_index = ${newest('secret-access', 4)}`,
    ],
    [
      'a session’s record ends it earlier',
      `update pf.sessions set seq = seq - 1 where session like 'secrets:%:1'`,
    ],
  ])('%s', async (_, tampering) => {
    await ledger.tamper(tampering);
    const { code, said } = await check();
    expect([code, said.continuous]).toEqual([1, false]);
    expect(said.finding_count).toBeGreaterThan(0);
  });

  test('a whole session of governed changes was taken away', async () => {
    await ledger.tamper(`delete from pf.statements where session like 'changes:%:0';
      delete from pf.sessions where session like 'changes:%:0';`);
    const { said } = await check();
    expect(said.findings.map(({ message }) => message).join()).toContain(
      'governed changes are missing between them',
    );
  });

  test('a whole session of accesses was taken away', async () => {
    await ledger.tamper(`delete from pf.statements where tenant = 'acme' and session like 'secrets:%:0';
      delete from pf.sessions where tenant = 'acme' and session like 'secrets:%:0';`);
    const { said } = await check();
    expect(said.findings.map(({ message }) => message).join()).toContain(
      'accesses to secrets are missing between them',
    );
  });
});

describe('continuity check', () => {
  test('finds no gap, and names the statement whose row the database did not take', async () => {
    const { code, said } = await check();
    expect(said).toMatchObject({
      continuous: false,
      source: 'ledger',
      findings: [],
      accesses: { rows: 12, statements: 13, pending: 0, unattested: [], unlisted_count: 1 },
    });
    expect(said.accesses.unlisted).toMatchObject([
      { tenant: 'acme', user: 'alice', action: 'READ', result: 'SUCCESS' },
    ]);
    expect(said.sessions).toBeGreaterThan(10);
    expect(code).toBe(1);
  });

  test('waits for what may be on its way, and looks no further back than it is told', async () => {
    expect((await check(0)).said.accesses).toMatchObject({ pending: 1, unlisted_count: 0 });
    const { code, said } = await check(LATER_MS, '--since', '1m');
    expect([code, said.continuous, said.accesses.rows, said.accesses.statements]).toEqual([0, true, 0, 0]);
  });

  test('lists rows that nothing attests: added by hand, naming no statement, another one, or one that says otherwise', async () => {
    const [other] = await ledger.database.transaction('pf_auditor', (tx) =>
      tx.query<{ digest: string }>(
        `select encode(digest, 'hex') as digest from pf.statements where type = 'secret-access' order by 1 limit 1`,
      ),
    );
    await insert(`'test-tenant', 'system', 'test-secret', 'READ', 'SUCCESS'`);
    await insert(`'acme', 'a', 'k', 'READ', 'SUCCESS', '${'ab'.repeat(32)}'`, ', statement_digest');
    await insert(
      `'acme', 'mallory', 'db/primary', 'READ', 'SUCCESS', '${other?.digest}'`,
      ', statement_digest',
    );
    const { code, said } = await check();
    expect(code).toBe(1);
    expect(said.accesses.unattested.map(({ tenant, user }) => `${tenant}/${user}`).toSorted()).toEqual([
      'acme/a',
      'acme/mallory',
      'test-tenant/system',
    ]);
    const { out } = await ledger.pfctl(['continuity', 'check'], { now: () => Date.now() + LATER_MS });
    expect(out).toMatch(/unattested: rows that no statement of the ledger says\nTIME +TENANT +USER +ACTION/);
    expect(out).toMatch(/test-tenant +system +READ +test-secret +SUCCESS/);
    expect(out).toMatch(/\nnot continuous\n$/);
    // Named, and so young that its statement may be on its way to the ledger.
    expect((await check(0)).said.accesses.unattested).toHaveLength(2);
  });

  test('of a data folder without a database reads its log', async () => {
    const now = () => Date.now() + LATER_MS;
    const missing = await ledger.pfctl(['continuity', 'check', '--data', join(ledger.root, 'none')], { now });
    expect(missing).toMatchObject({ code: 4 });
    await ledger.stopDatabase();
    const { code, out } = await ledger.pfctl(['continuity', 'check', '--format', 'json'], { now });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ continuous: true, source: 'log', findings: [], accesses: null });
    const gone = await ledger.pfctl(['continuity', 'check'], { now, databaseUrl: ledger.url });
    expect(gone).toMatchObject({ code: 4 });
  });

  test('has help with an example, and refuses what is no time', async () => {
    expect((await ledger.pfctl(['continuity', 'check', '--help'])).out).toContain(
      '$ pfctl continuity check --env',
    );
    expect(await ledger.pfctl(['continuity', 'check', '--since', 'x'])).toMatchObject({ code: 3 });
  });
});
