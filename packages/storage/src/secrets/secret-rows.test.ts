import { randomBytes } from 'node:crypto';
import {
  changeRootKey,
  createEmbeddedProvider,
  type RootKeySource,
  RootKeys,
  type SealedHead,
  type SealedValue,
  type SecretChange,
  type SecretRows,
  type SecretTenant,
} from '@provability-fabric/secrets';
import { describeProviderContract, fakeLostAnswers, MemorySecretRows } from '@provability-fabric/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OwnedDatabase, openDatabase } from '../database/database.ts';
import { createTenantLogin } from '../database/tenant-login.ts';
import { startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { connectAs, freshDatabase } from '../testing/fresh-database.fixture.ts';
import { openSecretRows } from './secret-rows.ts';

const ROOT = 'a'.repeat(32);
const PASSWORD = 'a-password-of-a-tenant';
const TABLES = ['secret_root_keys', 'secret_tenant_keys', 'secrets', 'secret_values'];
let server: TestServer;
let rows: SecretRows;
let tenants = 0;
const opened: OwnedDatabase[] = [];

beforeAll(async () => {
  server = await startTestServer();
  rows = openSecretRows({ database: server.database });
  expect(await rows.addRootKey(rootKey(ROOT), [])).toBe(true);
});
afterAll(async () => {
  await Promise.all(opened.map((database) => database.close()));
  await server?.stop();
});

const rootKey = (rootKeyId: string) => ({
  rootKeyId,
  source: 'file' as const,
  parameters: new Uint8Array(),
  check: bytes(rootKeyId, 40),
});
const keyIdOf = (tenant: string, generation: number) =>
  Buffer.from(`${tenant}-${generation}`).toString('hex').padEnd(32, '0').slice(-32);
const bytes = (seed: string, length = 60) => new Uint8Array(Buffer.from(seed.padEnd(length, '\0')));

async function newTenant(into: SecretRows = rows, root = ROOT): Promise<SecretTenant> {
  const tenant = `t${++tenants}` as SecretTenant;
  expect(await into.addTenantKey(tenant, tenantKey(tenant, 1, root))).toBe(true);
  return tenant;
}

function tenantKey(tenant: string, generation: number, rootKeyId = ROOT) {
  return { keyId: keyIdOf(tenant, generation), generation, rootKeyId, wrapped: bytes(`w${generation}`) };
}

function headOf(tenant: string, revision: number, latest = revision, generation = 1): SealedHead {
  return {
    revision,
    latest,
    keyId: keyIdOf(tenant, generation),
    sealed: bytes(`head ${tenant} ${revision}`),
  };
}

function sealedValue(tenant: string, slot: number, generation = 1): SealedValue {
  const wrappedKey = bytes(`key ${slot}`);
  return {
    slot,
    keyId: keyIdOf(tenant, generation),
    wrappedKey,
    sealed: bytes(`value ${tenant} ${slot}`, 200),
  };
}

function changeOf(tenant: string, revision: number, part: Partial<SecretChange> = {}): SecretChange {
  const put = [sealedValue(tenant, revision)];
  return { expectedRevision: revision - 1, head: headOf(tenant, revision), put, drop: [], ...part };
}

const asService = (text: string, tenant = '', values: readonly unknown[] = []) =>
  server.database
    .transaction('pf_secrets', (tx) => tx.query<Record<string, unknown>>(text, values), { tenant })
    .then(
      (found) => found as unknown,
      (error: { code: string }) => error.code,
    );

describe('rows of secrets', () => {
  it('are of no concern to the roles of the ledger, the auditors and the logins of tenants', async () => {
    for (const role of ['pf_writer', 'pf_reader', 'pf_auditor', 'secrets_auditor'] as const)
      for (const table of [...TABLES, 'secret_schedules', 'secret_rotations', 'secret_dependants'])
        for (const text of [`select from pf.${table}`, `delete from pf.${table}`, `truncate pf.${table}`])
          await expect(
            server.database.transaction(role, (tx) => tx.query(text), { tenant: 't1' }),
            `${role}: ${text}`,
          ).rejects.toMatchObject({ code: 'LEDGER_REFUSED' });
    const login = await createTenantLogin(server.database, 'acme', PASSWORD);
    const client = await connectAs(server.postgres.url, login, PASSWORD);
    try {
      for (const text of [
        ...TABLES.map((table) => `select from pf.${table}`),
        'set role pf_secrets',
        `select pf.erase_secrets('acme')`,
      ])
        await expect(client.query(text), text).rejects.toMatchObject({ code: '42501' });
    } finally {
      await client.end();
    }
  });

  it("are one tenant's in a transaction of that tenant, whatever the statement says", async () => {
    const [mine, other] = [await newTenant(), await newTenant()];
    for (const tenant of [mine, other])
      expect(await rows.change(tenant, 'db', changeOf(tenant, 1))).toBe('done');
    for (const table of ['secrets', 'secret_values', 'secret_tenant_keys']) {
      expect(await asService(`select distinct tenant from pf.${table}`, mine), table).toEqual([
        { tenant: mine },
      ]);
      const there = await asService(`delete from pf.${table} where tenant = $1 returning 1`, mine, [other]);
      expect(there, table).toEqual([]);
    }
    const forge = `insert into pf.secrets select $1, 'forged', 1, 1, key_id, sealed from pf.secrets`;
    expect(await asService(forge, mine, [other])).toBe('LEDGER_REFUSED');
    expect(
      await asService('update pf.secrets set revision = 9 where tenant = $1 returning 1', mine, [other]),
    ).toEqual([]);
    const text = 'select pf.change_secret($1, $2, 1, 1, $3, $4, $5, $6, $7, $8, $9) as done';
    const given = [other, 'db', keyIdOf(other, 1), bytes('x'), [], [], [], [], [1]];
    expect(await asService(text, mine, given)).toEqual([{ done: false }]);
    await asService('select pf.erase_secrets($1)', mine, [other]);
    expect((await rows.read(other, 'db', 'all'))?.values).toHaveLength(1);
    await expect(rows.read('' as SecretTenant, 'db', 'all')).rejects.toMatchObject({ code: 'BAD_QUERY' });
    // Of no tenant: no secret of anybody.
    for (const table of ['secrets', 'secret_values'])
      expect(await asService(`select from pf.${table}`), table).toEqual([]);
    // Its tenant's own transactions do not meet the root keys.
    expect(await asService('select from pf.secret_root_keys', mine)).toEqual([]);
    expect(await asService('delete from pf.secret_root_keys returning 1', mine)).toEqual([]);
  });

  it('are beyond their owner too', async () => {
    const tenant = await newTenant();
    await rows.change(tenant, 'db', changeOf(tenant, 1));
    for (const table of TABLES) {
      const [seen] = await server.database.asOwner((tx) =>
        tx.query<{ n: number }>(`select count(*)::int as n from pf.${table}`),
      );
      // As a member of pf_secrets, of no tenant: what the store's own work is about, and no secret.
      if (!table.endsWith('_keys')) expect(seen?.n, table).toBe(0);
    }
  });

  it('act as those in memory do, whatever is asked of both', async () => {
    const memory = new MemorySecretRows();
    expect(await memory.addRootKey(rootKey(ROOT), [])).toBe(true);
    const small = fc.integer({ min: 0, max: 4 });
    const name = fc.constantFrom('a', 'a/b', 'a-b', 'ab', 'B', 'b');
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.tuple(
          fc.constant('change'),
          name,
          small,
          fc.array(small, { maxLength: 3 }),
          fc.array(small, { maxLength: 2 }),
          fc.integer({ min: 1, max: 3 }),
        ),
      },
      fc.tuple(fc.constant('remove'), name),
      fc.tuple(fc.constant('addKey'), fc.integer({ min: 1, max: 3 }), fc.boolean()),
      fc.tuple(fc.constant('dropKey'), fc.integer({ min: 1, max: 3 })),
      fc.tuple(fc.constant('rewrap'), fc.integer({ min: 1, max: 3 }), fc.boolean()),
      fc.tuple(fc.constant('erase')),
      { weight: 2, arbitrary: fc.tuple(fc.constant('names'), name, name, fc.integer({ min: 1, max: 5 })) },
    );
    const act = async (on: SecretRows, tenant: SecretTenant, [kind, ...args]: readonly unknown[]) => {
      const [a, b, c, d, e] = args as [never, never, never, never, never];
      if (kind === 'change') {
        const put = [...new Set(c as number[])].map((slot) => sealedValue(tenant, slot, e));
        const latest = (d as number[])[0] ?? (c as number[])[0] ?? 1;
        const head = headOf(tenant, (b as number) + 1, latest, e);
        return on.change(tenant, a, { expectedRevision: b, head, put, drop: d });
      }
      if (kind === 'remove') return on.remove(tenant, a);
      if (kind === 'addKey') return on.addTenantKey(tenant, tenantKey(tenant, a, b ? ROOT : 'f'.repeat(32)));
      if (kind === 'dropKey') return on.dropTenantKey(tenant, keyIdOf(tenant, a));
      if (kind === 'rewrap')
        return on.rewrapTenantKey(tenant, b ? ROOT : 'e'.repeat(32), tenantKey(tenant, a));
      if (kind === 'erase') return on.eraseTenant(tenant);
      return on.names(tenant, a, b, c);
    };
    const whole = async (on: SecretRows, tenant: SecretTenant) => ({
      keys: await on.tenantKeys(tenant),
      names: await on.names(tenant, '', '', 1_000),
      secrets: await Promise.all(
        ['a', 'a/b', 'a-b', 'ab', 'B', 'b'].flatMap((one) =>
          (['none', 'latest', 'all', 0] as const).map((slots) => on.read(tenant, one, slots)),
        ),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
        const tenant = await newTenant();
        await memory.addTenantKey(tenant, tenantKey(tenant, 1));
        for (const one of steps)
          expect(await act(rows, tenant, one), JSON.stringify(one)).toEqual(await act(memory, tenant, one));
        expect(await whole(rows, tenant)).toEqual(await whole(memory, tenant));
      }),
      { numRuns: 25 },
    );
  }, 30_000);

  it('change once of many that try upon one revision', async () => {
    const tenant = await newTenant();
    for (const revision of [1, 2]) {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => rows.change(tenant, 'db', changeOf(tenant, revision))),
      );
      expect(answers.filter((answer) => answer === 'done')).toHaveLength(1);
    }
    expect((await rows.read(tenant, 'db', 'all'))?.values.map(({ slot }) => slot)).toEqual([1, 2]);
  });

  it('go with their tenant, and none comes in behind it under a key that went', async () => {
    const tenant = await newTenant();
    const names = Array.from({ length: 30 }, (_, at) => `s${at}`);
    const [, ...answers] = await Promise.all([
      rows.eraseTenant(tenant),
      ...names.map((name) => rows.change(tenant, name, changeOf(tenant, 1))),
    ]);
    expect(answers.every((answer) => answer === 'done' || answer === 'conflict')).toBe(true);
    expect(await rows.names(tenant, '', '', 100)).toEqual([]);
    expect(await rows.tenantKeys(tenant)).toEqual([]);
    expect(await rows.change(tenant, 'late', changeOf(tenant, 1))).toBe('conflict');
  });

  it('refuse what no correct caller sends, and tell nothing of it', async () => {
    const tenant = await newTenant();
    const huge = { ...sealedValue(tenant, 1), sealed: new Uint8Array(131_073) };
    for (const change of [
      changeOf(tenant, 1, { put: [huge] }),
      changeOf(tenant, 1, { head: headOf(tenant, 2) }),
    ])
      await expect(rows.change(tenant, 'db', change)).rejects.toMatchObject({ code: 'BAD_ENTRY' });
    for (const limit of [0, 1_002, 0.5])
      await expect(rows.names(tenant, '', '', limit)).rejects.toMatchObject({ code: 'BAD_QUERY' });
    expect(await rows.read(tenant, 'db', 'all')).toBeNull();
  });
});

async function openDatabaseOf(of: TestServer): Promise<OwnedDatabase> {
  const database = await openDatabase({ url: await freshDatabase(of, 'schema'), connections: 2 });
  opened.push(database);
  return database;
}

function sourceOf(seed: number): RootKeySource {
  const key = () => Buffer.alloc(32).fill(Buffer.from([seed, 1]));
  return {
    kind: 'file',
    make: async () => ({ key: key(), parameters: new Uint8Array(0) }),
    derive: async () => key(),
  };
}

async function idOf(source: RootKeySource): Promise<string> {
  const keys = new RootKeys({ rows: new MemorySecretRows(), random: randomBytes });
  return (await keys.unseal(source)).id;
}

describe('root keys on record', () => {
  it('are added by one of two who knew the same, and stay while a tenant needs them', async () => {
    const [second, third] = ['b', 'c'].map((digit) => digit.repeat(32)) as [string, string];
    const added = await Promise.all([second, third].map((id) => rows.addRootKey(rootKey(id), [ROOT])));
    expect(added.filter(Boolean)).toHaveLength(1);
    const winner = added[0] ? second : third;
    expect(await rows.rootKeys()).toEqual([rootKey(ROOT), rootKey(winner)]);
    expect(await rows.addRootKey(rootKey(winner), [winner, ROOT])).toBe(false);
    const tenant = await newTenant(rows, winner);
    expect(await rows.dropRootKey(winner)).toBe(false);
    const key = { ...tenantKey(tenant, 1), wrapped: bytes('again') };
    expect(await rows.rewrapTenantKey(tenant, winner, key)).toBe(true);
    expect(await rows.rewrapTenantKey(tenant, winner, key)).toBe(false);
    expect(await rows.tenantKeys(tenant)).toEqual([key]);
    expect(await rows.dropRootKey(winner)).toBe(true);
    expect(await rows.dropRootKey(winner)).toBe(false);
    expect(await rows.dropRootKey(ROOT)).toBe(false);
  });

  it.each(['first', 'last'] as const)(
    'lead on a change of them that died, whose id comes %s',
    async (place) => {
      const own = openSecretRows({ database: await openDatabaseOf(server) });
      const [one, other] = [sourceOf(3), sourceOf(4)] as const;
      const [old, next] =
        (await idOf(one)) < (await idOf(other)) === (place === 'last') ? [one, other] : [other, one];
      const before = new RootKeys({ rows: own, random: randomBytes });
      await before.unseal(old);
      await before.add(next);
      // Killed here, and begun again by a process that knows the old key.
      const rootKeys = new RootKeys({ rows: own, random: randomBytes });
      await rootKeys.unseal(old);
      const { to } = await changeRootKey({ rows: own, rootKeys, random: randomBytes }, next);
      expect((await own.rootKeys()).map(({ rootKeyId }) => rootKeyId)).toEqual([to]);
      expect(to).toBe(await idOf(next));
    },
  );

  it('tell which tenants there are, a page at a time', async () => {
    const mine = [await newTenant(), await newTenant(), await newTenant()];
    const found: string[] = [];
    for (
      let page = await rows.tenants('', 2);
      page.length > 0;
      page = await rows.tenants(page.at(-1) ?? '', 2)
    )
      found.push(...page);
    expect(found).toEqual([...found].sort());
    expect(new Set(found).size).toBe(found.length);
    for (const tenant of mine) expect(found).toContain(tenant);
  });
});

describeProviderContract('the embedded provider on PostgreSQL', async () => {
  const url = await freshDatabase(server, 'schema');
  const database = await openDatabase({ url });
  const { port, loseNextAnswer } = fakeLostAnswers(openSecretRows({ database }), ['change']);
  const rootKeys = new RootKeys({ rows: port, random: randomBytes });
  const key = Buffer.alloc(32, 7);
  await rootKeys.unseal({
    kind: 'file',
    make: async () => ({ key: Buffer.from(key), parameters: new Uint8Array(0) }),
    derive: async () => Buffer.from(key),
  });
  const provider = createEmbeddedProvider({ rows: port, rootKeys, clock: Date.now, random: randomBytes });
  return { provider, loseNextAnswer, close: () => database.close() };
});
