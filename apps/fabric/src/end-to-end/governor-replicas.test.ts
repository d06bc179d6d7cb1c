import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type EmbeddedPostgres,
  openDatabaseAsItIs,
  startEmbeddedPostgres,
} from '@provability-fabric/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { type Asked, changeAgainAndAgain, expectSettled } from './crowd-of-changes.fixture.ts';
import { eventually } from './fabric-services.fixture.ts';
import { change, Governed, type GovernorService } from './governed-tree.fixture.ts';
import type { GovernorClient } from './governor-client.fixture.ts';
import { get } from './http-client.fixture.ts';
import { temporaryFolder } from './pf-process.fixture.ts';

// A crowd that changes one tree at once, through one `pf serve governor` and through two on one database.
const WORKERS = 20;
const KILLS = 10;
const WITHIN_MS = 1_000;

beforeAll(buildPrograms);

async function crowd(
  governed: Governed,
  clients: readonly GovernorClient[],
  rounds: number,
): Promise<readonly Asked[]> {
  const workers = Array.from({ length: WORKERS }, (_, index) => {
    const client = clients[index % clients.length] as GovernorClient;
    return changeAgainAndAgain(governed, client, `worker-${index}`, rounds);
  });
  const asked = (await Promise.all(workers)).flat();
  expect(asked).toHaveLength(WORKERS * rounds);
  return asked;
}

describe.sequential('one governor', () => {
  let service: GovernorService;
  afterAll(() => service?.stop());

  it('lets each of two hundred changes land whole, or refuses it for a stale base', async () => {
    const governed = new Governed({ files: { 'README.md': 'a tree\n' } });
    await governed.key('default');
    service = governed.serve();
    const admin = await service.client();
    const asked = await crowd(governed, [admin], 10);
    const { digest } = (await admin.tree()).tree;
    const applied = expectSettled(governed, asked, await admin.audit(), digest);
    expect(applied.length).toBeGreaterThan(5);
    expect(await admin.ask('GET', '/v1/audit/verify')).toMatchObject({ body: { valid: true } });
  });
});

describe.sequential('two governors of one tree on one database', () => {
  let postgres: EmbeddedPostgres;
  let first: Governed;
  let second: Governed;
  let a: GovernorService;
  let b: GovernorService;
  let atA: GovernorClient;
  let atB: GovernorClient;

  beforeAll(async () => {
    const folder = temporaryFolder();
    postgres = await startEmbeddedPostgres({ directory: join(folder, 'postgres'), emit: () => undefined });
    const environment = { DATABASE_URL: postgres.url };
    first = new Governed({ files: { 'README.md': 'a tree\n' }, environment });
    await first.key('default');
    a = first.serve();
    await a.url();
    second = new Governed({ environment }, first.tree);
    shareKeys(first, second);
    b = second.serve();
    [atA, atB] = [await a.client('admin', 'ann'), await b.client('admin', 'ben')];
    // Each verifies what the other signed.
    shareKeys(second, first, /^evidence\..*\.vk$/);
  });
  afterAll(async () => {
    await Promise.all([a?.stop(), b?.stop()]);
    await postgres?.stop();
  });

  const SHARED = /^(?:ledger\..*|token\..*|record\..*\.key|evidence\..*\.vk|ed25519\..*|ring\.json)$/;
  function shareKeys(from: Governed, to: Governed, which = SHARED): void {
    mkdirSync(to.keys, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(from.keys).filter((file) => which.test(file)))
      cpSync(join(from.keys, name), join(to.keys, name));
  }

  const auditFile = ({ data }: Governed) => readFileSync(join(data, 'audit.log'), 'utf8');

  it('let each of a hundred changes land whole and once, or refuse it for a stale base', async () => {
    const asked = await crowd(first, [atA, atB], 5);
    const { digest } = (await atA.tree()).tree;
    const applied = expectSettled(first, asked, await atB.audit(), digest);
    expect(applied.length).toBeGreaterThan(5);
    expect(new Set(applied.map(({ principal }) => principal))).toEqual(new Set(['ann', 'ben']));
  });

  it('keep the same audit.log, byte for byte', async () => {
    await eventually(
      async () => auditFile(first) === auditFile(second),
      (same) => same,
    );
    expect(auditFile(first).split('\n').length).toBeGreaterThan(100);
    for (const client of [atA, atB])
      expect(await client.ask('GET', '/v1/audit/verify')).toMatchObject({ body: { valid: true, behind: 0 } });
  });

  it('take no change that the other has applied', async () => {
    const { envelope, key, hash } = await first.sign(change({ 'once.txt': 'once\n' }), await atA.tree());
    const both = await Promise.all([atA.apply(envelope), atB.apply(envelope)]);
    const codes = both.map(({ status, body }) => `${status} ${body.code ?? ''}`.trim()).sort();
    expect(codes).toEqual(['200', expect.stringMatching(/^(?:409 CHANGE_REPLAYED|503 TREE_BUSY)$/)]);
    for (const client of [atA, atB]) {
      expect(await client.apply(envelope)).toMatchObject({ status: 409, body: { code: 'CHANGE_REPLAYED' } });
      expect(await client.apply(envelope, { idempotency_key: key })).toMatchObject({
        status: 200,
        body: { manifest_hash: hash },
      });
    }
    const other = await first.sign(change({ 'other.txt': 'other\n' }), await atA.tree(), { key });
    expect(await atB.apply(other.envelope)).toMatchObject({
      status: 409,
      body: { code: 'IDEMPOTENCY_CONFLICT' },
    });
  });

  it('take no replay of what was taken back, also where the claim of it was lost with its replica', async () => {
    const { envelope, hash } = await first.sign(change({ 'back.txt': 'back\n' }), await atA.tree());
    expect(await atA.apply(envelope)).toMatchObject({ status: 200 });
    expect(await atB.ask('POST', '/v1/rollback', { manifest_hash: hash })).toMatchObject({ status: 200 });
    const database = await openDatabaseAsItIs({ url: postgres.url });
    const lose = `update pf.governor_claims set applied = false, holder = gen_random_uuid(), held_until = clock_timestamp()
      where manifest = $1 returning manifest`;
    const lost = await database.transaction('pf_governor', (tx) => tx.query(lose, [hash]), {
      tenant: 'platform',
    });
    expect(lost).toHaveLength(1);
    await database.close();
    expect(await atB.apply(envelope)).toMatchObject({ status: 409, body: { code: 'CHANGE_REPLAYED' } });
    expect(await atA.apply(envelope)).toMatchObject({ status: 409, body: { code: 'CHANGE_REPLAYED' } });
  });

  it('stop together within a second, and go on together', async () => {
    const took: number[] = [];
    const ready = async (service: GovernorService, wanted: number) => {
      const asked = performance.now();
      await eventually(
        async () => (await get(`${await service.url()}/readyz`)).status,
        (status) => status === wanted,
      );
      return performance.now() - asked;
    };
    for (let round = 0; round < KILLS; round++) {
      const [here, there] = round % 2 === 0 ? ([atA, b] as const) : ([atB, a] as const);
      expect(await here.ask('POST', '/v1/kill', { reason: `${round}` })).toMatchObject({ status: 200 });
      took.push(await ready(there, 503));
      expect(await here.ask('POST', '/v1/revive', { reason: 'again' })).toMatchObject({ status: 200 });
      took.push(await ready(there, 200));
    }
    expect(Math.max(...took)).toBeLessThan(WITHIN_MS);
  });
});
