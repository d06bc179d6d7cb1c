import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { defaultSettings } from '@provability-fabric/configuration';
import { exportEvidence } from '@provability-fabric/evidence';
import type { Principal } from '@provability-fabric/policy';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@provability-fabric/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseSource } from '../ledger/connect-database.ts';
import { loadBundleFrom } from '../load-bundle.ts';
import { serviceLog } from '../observe/logger.ts';
import { type DecidingFabric, openFabric } from '../wire.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');
const AGENT: Principal = { id: 'agent-1', roles: ['buyer'], org: 'acme', tenant: 'acme', attributes: {} };

const BUNDLE = `name: shop
version: 1
owner: o@acme.example
tenants: [acme]
tools:
  buy:
    effect: read
    returns: { level: public, integrity: trusted }
    cost: { argument: price }
clauses:
  - { id: spending, kind: limit, per: tenant, unit: cost, max: 0.70 }
`;
const POLICY = '@id("buying")\npermit (principal, action == Action::"call", resource == Tool::"buy");\n';

let folder: string;
let postgres: EmbeddedPostgres;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pf-shared-usage-'));
  mkdirSync(join(folder, 'shop'));
  writeFileSync(join(folder, 'shop/bundle.yaml'), BUNDLE);
  writeFileSync(join(folder, 'shop/policy.cedar'), POLICY);
  postgres = await startEmbeddedPostgres({ directory: join(folder, 'postgres'), emit: () => undefined });
});
afterAll(async () => {
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(data: string, database: DatabaseSource | null): Promise<DecidingFabric> {
  const settings = defaultSettings(folder, 'local');
  return openFabric({
    dataFolder: join(folder, data),
    bundle: await loadBundleFrom(join(folder, 'shop')),
    settings,
    live: { current: settings.live, onChange: () => undefined },
    log: serviceLog('test', 'silent'),
    database,
  });
}

let requests = 0;
function buy({ sidecar }: DecidingFabric, session: string, price: number) {
  requests += 1;
  const action = { kind: 'call', target: 'buy', args: { price } } as const;
  const rest = { principal: AGENT, capability: null, epoch: null, attributes: {} };
  return sidecar.enforcer.authorize({ ...rest, session, requestId: `r${requests}`, action });
}

const allowed = (answers: readonly { readonly effect: string }[]) =>
  answers.filter(({ effect }) => effect === 'allow').length;

/** What `pf-verify` says of all that a fabric decided. */
async function verified(fabric: DecidingFabric, data: string): Promise<string> {
  const { folder: own, sidecar } = fabric;
  const file = join(folder, `${data}.json`);
  const wanted = sidecar.journal.size;
  await expect.poll(() => (sidecar.journal.checkpoint()?.size ?? 0) >= wanted, { timeout: 5_000 }).toBe(true);
  const { bytes } = await exportEvidence(
    sidecar.journal,
    { tenant: 'acme' },
    { bundles: (digest) => own.bundles.read(digest) },
  );
  writeFileSync(file, bytes);
  const program = ['--import', 'tsx', 'apps/verify/src/main.ts', file, '--keys', join(folder, data, 'keys')];
  const { stdout } = await promisify(execFile)(process.execPath, [...program, '--require', 're-derived'], {
    cwd: ROOT,
  });
  return stdout;
}

describe('a budget of the tenant', () => {
  it('is one for two fabrics on one database, however many sessions race, and is derived again offline', {
    timeout: 60_000,
  }, async () => {
    const database = { kind: 'url', url: postgres.url } as const;
    const a = await start('a', database);
    const keys = join(folder, 'b/keys');
    mkdirSync(keys, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(join(folder, 'a/keys')))
      if (name.startsWith('ledger.')) cpSync(join(folder, 'a/keys', name), join(keys, name));
    const b = await start('b', database);
    try {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => buy(index % 2 === 0 ? a : b, `${index % 2}-${index}`, 0.1)),
      );
      expect(allowed(answers)).toBe(7);
      const refusal = { code: 'BUDGET_EXCEEDED', clause: 'spending' };
      expect(await buy(a, 'late', 0.000001)).toMatchObject({ effect: 'block', refusal });
      expect(await verified(a, 'a')).toContain('re-derived');
      expect(readdirSync(join(folder, 'a'))).not.toContain('usage');
    } finally {
      await b.close();
      await a.close();
    }
  });

  it('is kept in the data folder where no database counts, over a restart', { timeout: 60_000 }, async () => {
    const first = await start('alone', null);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => buy(first, `s${index}`, 0.15)),
    );
    expect(allowed(answers)).toBe(4);
    await first.close();
    const again = await start('alone', null);
    try {
      expect(await buy(again, 'late', 0.15)).toMatchObject({ effect: 'block' });
      expect(await buy(again, 'late', 0.1)).toMatchObject({ effect: 'allow' });
      expect(await buy(again, 'later', 0.000001)).toMatchObject({ effect: 'block' });
      expect(await verified(again, 'alone')).toContain('re-derived');
    } finally {
      await again.close();
    }
  });
});
