import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../database/database.ts';
import {
  crypto,
  ORIGIN,
  openTestWriter,
  startTestServer,
  type TestServer,
  until,
} from '../reader/ledger-database.fixture.ts';
import { expectOneHistory } from '../testing/checkpoint-history.fixture.ts';
import { asSuperuser, databaseOf } from '../testing/fresh-database.fixture.ts';
import { endOf, entriesAfter } from '../testing/ledger-entries.fixture.ts';
import { openPostgresLedger, type PostgresLedger } from '../testing/postgres-ledger.fixture.ts';
import { runProgram, serverProcesses } from '../testing/program.fixture.ts';
import { eraseTenant } from './erase-tenant.ts';
import { openLedgerWriter } from './ledger-writer.ts';

const A = { tenant: 'acme', session: 's1' };
let server: TestServer;
let ledger: PostgresLedger;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());
beforeEach(async () => {
  ledger = await openPostgresLedger(server);
});
afterEach(() => ledger?.close());

const tamper = (text: string) => asSuperuser(server, text, databaseOf(ledger.url));

describe('a sequencer that meets another history', () => {
  it('does not extend what was changed in the database, and says so', async () => {
    const writer = await ledger.writer();
    const entries = entriesAfter(undefined, 300, A);
    await writer.append({ writer: 'w', from: 0, entries: entries.slice(0, 290) });
    const next = { writer: 'w', from: 290, entries: entries.slice(290) };
    for (const [change, back] of [
      [`set size = 289`, `set size = 290`],
      [`set root = sha256(root)`, null],
      [`set checkpoint = replace(checkpoint, '${ORIGIN}', 'evil.example/log')`, null],
    ] as const) {
      const [before] = (await tamper('select root, checkpoint from pf.log_state')) as [
        { root: Buffer; checkpoint: string },
      ];
      await tamper(`update pf.log_state ${change}`);
      await expect(writer.append(next), change).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
      const other = await openDatabase({ url: ledger.url, connections: 1 });
      await expect(openTestWriter(other), change).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
      await other.close();
      if (back !== null) await tamper(`update pf.log_state ${back}`);
      const root = before.root.toString('hex');
      await tamper(`update pf.log_state set root = '\\x${root}', checkpoint = '${before.checkpoint}'`);
    }
    await tamper(
      `update pf.tiles set hashes = set_byte(hashes, 40, 255 - get_byte(hashes, 40)) where level = 0 and tile = 1`,
    );
    await expect(writer.append(next)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    expect(await ledger.stored()).toHaveLength(290);
  });

  it('does not go on after the database was set back to an earlier, rightly signed state', async () => {
    const writer = await ledger.writer();
    const entries = entriesAfter(undefined, 3, A);
    const first = await writer.append({ writer: 'w', from: 0, entries: entries.slice(0, 1) });
    const [{ root }] = (await tamper('select root from pf.log_state')) as [{ root: Buffer }];
    await writer.append({ writer: 'w', from: 1, entries: entries.slice(1, 2) });
    await tamper(
      `update pf.log_state set size = 1, root = '\\x${root.toString('hex')}', checkpoint = '${first.checkpoint}'`,
    );
    const next = writer.append({ writer: 'w', from: 2, entries: entries.slice(2) });
    await expect(next).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('refuses a database that holds the ledger of another name', async () => {
    await ledger.writer();
    const { database } = ledger;
    const options = { database, crypto, verifiers: [], origin: 'other.example/ledger' };
    const signer = { name: 'other.example/ledger', keyHash: 1, sign: () => new Uint8Array(64) };
    await expect(openLedgerWriter({ ...options, signer })).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' });
  });
});

describe('a database that fails', () => {
  it('is named when it is read-only, and used again when it no longer is', async () => {
    const writer = await ledger.writer();
    const entries = entriesAfter(undefined, 2, A);
    await writer.append({ writer: 'w', from: 0, entries: entries.slice(0, 1) });
    const name = databaseOf(ledger.url);
    const reconnected = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`;
    await asSuperuser(server, `alter database ${name} set default_transaction_read_only = on`);
    await asSuperuser(server, reconnected);
    const next = { writer: 'w', from: 1, entries: entries.slice(1) };
    await until('read-only', () =>
      writer.append(next).then(
        () => false,
        ({ code }) => code === 'LEDGER_READ_ONLY',
      ),
    );
    expect(await ledger.stored()).toHaveLength(1); // reading goes on
    await asSuperuser(server, `alter database ${name} reset default_transaction_read_only`);
    await asSuperuser(server, reconnected);
    await until('writable', () =>
      writer.append(next).then(
        () => true,
        () => false,
      ),
    );
    expect(await ledger.stored()).toHaveLength(2);
  });

  it('that hangs costs a bounded time, and nothing is lost or doubled when it comes back', async () => {
    const database = await openDatabase({ url: ledger.url, connections: 2, connectTimeoutMs: 300 });
    const writer = await openTestWriter(database, { timeoutMs: 300 });
    const entries = entriesAfter(undefined, 40, A);
    await writer.append({ writer: 'w', from: 0, entries: entries.slice(0, 20) });
    const pids = serverProcesses(join(server.directory, 'data'));
    expect(pids.length).toBeGreaterThan(2);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const next = { writer: 'w', from: 20, entries: entries.slice(20) };
    try {
      for (let attempt = 0; attempt < 3; attempt++) {
        const before = performance.now();
        await expect(writer.append(next)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
        expect(performance.now() - before).toBeLessThan(3_000);
      }
      expect(database.health()).toHaveLength(1);
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
    await until('available', () =>
      writer.append(next).then(
        () => true,
        () => false,
      ),
    );
    expect((await ledger.stored()).map(({ digest }) => digest)).toEqual(entries.map(({ digest }) => digest));
    expect(database.health()).toEqual([]);
    await database.close();
  });

  it('and writers, killed at any moment: everything is in once, every checkpoint shown holds', async () => {
    const total = 480;
    const start = (name: string) =>
      runProgram(new URL('../testing/appending-program.ts', import.meta.url), [
        ledger.url,
        name,
        `${total}`,
        '13',
      ]);
    const said: string[] = [];
    const [one, two] = [start('one'), start('two')];
    await Promise.all([one.printed('acked', 4), two.printed('acked', 4)]);
    one.child.kill('SIGKILL');
    process.kill(serverProcesses(join(server.directory, 'data'))[0] as number, 'SIGKILL');
    const three = start('one');
    await three.printed('acked', 6);
    three.child.kill('SIGKILL');
    const four = start('one');
    expect(await Promise.all([two.ended, four.ended])).toEqual([0, 0]);
    for (const program of [one, two, three, four]) said.push(...program.lines());
    const stored = await ledger.stored();
    expect(stored.map(({ index }) => index)).toEqual(Array.from({ length: 2 * total }, (_, index) => index));
    expect(new Set(stored.map(({ digest }) => digest)).size).toBe(2 * total);
    const notes = said.flatMap((line) => /^acked \d+ (.*)$/.exec(line)?.[1] ?? []);
    expect(notes.length).toBeGreaterThan(50);
    await expectOneHistory(
      notes.map((note) => JSON.parse(note) as string),
      await ledger.leafHashes(),
    );
  });
});

describe('erasing a tenant', () => {
  it('forgets its records, or its statements too, leaves other tenants and the log as they are', async () => {
    const writer = await ledger.writer();
    const mine = entriesAfter(undefined, 3, A);
    const theirs = entriesAfter(undefined, 3, { ...A, tenant: 'globex' });
    const { checkpoint } = await writer.append({ writer: 'w', from: 0, entries: [...mine, ...theirs] });
    const left = () =>
      ledger.database.transaction('pf_auditor', (tx) =>
        tx.query<{ tenant: string }>(
          `select tenant, count(envelope)::int as envelopes, count(salt)::int as salts, count(principal)::int as principals,
             count(sealed_record)::int as records from pf.statements group by tenant order by tenant`,
        ),
      );
    const whole = { envelopes: 3, salts: 3, principals: 3, records: 3 };
    expect(await eraseTenant(ledger.database, 'acme', 'records')).toBe(3);
    expect(await left()).toEqual([
      { tenant: 'acme', ...whole, records: 0 },
      { tenant: 'globex', ...whole },
    ]);
    expect(await eraseTenant(ledger.database, 'acme', 'statements')).toBe(3);
    expect(await eraseTenant(ledger.database, 'acme', 'statements')).toBe(0);
    expect((await left())[0]).toEqual({ tenant: 'acme', envelopes: 0, salts: 0, principals: 0, records: 0 });
    const more = await writer.append({ writer: 'w', from: 6, entries: entriesAfter(endOf(mine), 2, A) });
    await expectOneHistory([checkpoint, more.checkpoint], await ledger.leafHashes());
  });

  it('is all that the writing role can do to a statement', async () => {
    const writer = await ledger.writer();
    await writer.append({ writer: 'w', from: 0, entries: entriesAfter(undefined, 1, A) });
    for (const text of [
      `update pf.statements set envelope = 'x'`,
      `update pf.statements set principal = 'other'`,
      `update pf.statements set digest = sha256('x')`,
      `update pf.statements set tenant = 'other'`,
      'delete from pf.statements',
      'truncate pf.statements',
      'alter table pf.statements disable row level security',
      'drop table pf.statements',
    ]) {
      const attempt = ledger.database.transaction('pf_writer', (tx) => tx.query(text));
      await expect(attempt, text).rejects.toMatchObject({ code: 'LEDGER_REFUSED' });
    }
  });
});
