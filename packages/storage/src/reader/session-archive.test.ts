import { join } from 'node:path';
import { openRecordSealer } from '@provability-fabric/evidence';
import { utf8 } from '@provability-fabric/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PostgresLedgerWriter } from '../ledger/ledger-writer.ts';
import { endOf, entriesAfter } from '../testing/ledger-entries.fixture.ts';
import {
  crypto,
  logVerifier,
  ORIGIN,
  openTestWriter,
  startTestServer,
  store,
  type TestServer,
} from './ledger-database.fixture.ts';
import { type ArchivedStatement, type LedgerSessionArchive, openSessionArchive } from './session-archive.ts';

let server: TestServer;
let writer: PostgresLedgerWriter;
let archive: LedgerSessionArchive;

const open = (verifiers = [logVerifier], origin = ORIGIN) =>
  openSessionArchive({
    database: server.database,
    crypto,
    origin,
    verifiers,
    opener: openRecordSealer({ directory: join(server.directory, 'keys'), emit: () => undefined }),
  });

beforeAll(async () => {
  server = await startTestServer();
  writer = await openTestWriter(server.database);
  archive = open();
});
afterAll(async () => {
  await writer?.close();
  await server?.stop();
});

async function readAll(
  from: LedgerSessionArchive,
  tenant: string,
  session: string,
): Promise<ArchivedStatement[]> {
  const all: ArchivedStatement[] = [];
  for await (const statement of from.read(tenant, session)) all.push(statement);
  return all;
}

/** What somebody can do who has the database's password. */
async function tamper(text: string, values: readonly unknown[]): Promise<void> {
  await server.database.asOwner(async (tx) => {
    await tx.query('alter table pf.statements disable trigger refuse_rewriting, no force row level security');
    await tx.query(text, values);
    await tx.query('alter table pf.statements enable trigger refuse_rewriting, force row level security');
  });
}

describe('the archive of sessions', () => {
  it('refuses a statement that was changed, moved from another session, or slipped in', async () => {
    const corrupt = { code: 'LEDGER_CORRUPT' };
    for (const session of ['changed', 'moved', 'slipped-in', 'cut']) {
      await store(writer, entriesAfter(undefined, 3, { tenant: 'acme', session, record: null }));
    }
    const place = `where tenant = 'acme' and session = $1 and seq = 1`;
    await tamper(`update pf.statements set envelope = envelope || '\\x20' ${place}`, ['changed']);
    await tamper(`update pf.statements set salt = sha256(salt) ${place}`, ['moved']);
    await tamper(
      `insert into pf.statements (log_index, digest, tenant, session, seq, type, issued_at, writer, envelope, salt)
       select log_index + 1000000, sha256(digest), tenant, session, 3, type, issued_at, writer, envelope, salt
       from pf.statements ${place}`,
      ['slipped-in'],
    );
    await tamper(`delete from pf.statements ${place}`, ['cut']);
    for (const session of ['changed', 'moved', 'slipped-in', 'cut']) {
      await expect(readAll(archive, 'acme', session), session).rejects.toMatchObject(corrupt);
    }
  });

  it('refuses everything under a checkpoint that no known key signed', async () => {
    await store(writer, entriesAfter(undefined, 1, { tenant: 'acme', session: 'good', record: null }));
    const corrupt = { code: 'LEDGER_CORRUPT' };
    await expect(readAll(open([]), 'acme', 'good')).rejects.toMatchObject(corrupt);
    await expect(readAll(open([logVerifier], 'another.example'), 'acme', 'good')).rejects.toMatchObject(
      corrupt,
    );
  });

  it('gives a session with its end, its records opened, and nothing of superseded ones', async () => {
    const sealer = openRecordSealer({ directory: join(server.directory, 'keys'), emit: () => undefined });
    const seal = await sealer.sealer('opened', false);
    const entries = entriesAfter(undefined, 600, { tenant: 'opened', session: 's' }).map((entry) => ({
      ...entry,
      sealedRecord: seal(
        { tenant: 'opened', session: 's', seq: entry.seq as number },
        utf8(`record ${entry.seq}`),
      ),
    }));
    await store(writer, entries);
    expect(await archive.find('opened', 's')).toEqual({ tenant: 'opened', session: 's', ...endOf(entries) });
    expect(await archive.find('acme', 's')).toBeUndefined();
    const read = await readAll(archive, 'opened', 's');
    expect(read.length).toBe(600);
    expect(read[599]).toMatchObject({
      seq: 599,
      record: utf8('record 599'),
      envelope: entries[599]?.envelope,
    });
    await sealer.erase('opened');
    expect((await readAll(archive, 'opened', 's'))[0]?.record).toBeNull();
  });

  it('finds the newest of a name’s sessions by number, within the tenant', async () => {
    const begin = (tenant: string, session: string) =>
      store(writer, entriesAfter(undefined, 1, { tenant, session, record: null }));
    for (const session of [
      'own-a@9',
      'own-a@10',
      'own-a@',
      'own-a@11x',
      'own-a@-12',
      'own-ab@99',
      'own-b@5',
    ]) {
      await begin('names', session);
    }
    await begin('others', 'own-a@100');
    expect(await archive.newest('names', 'own-a@')).toBe('own-a@10');
    expect(await archive.newest('names', 'own-c@')).toBeUndefined();
    expect(await archive.newest('names', `own-a@' or true --`)).toBeUndefined();
    await expect(archive.newest('names', '')).rejects.toMatchObject({ code: 'BAD_QUERY' });
    await expect(archive.newest('', 'own-a@')).rejects.toMatchObject({ code: 'BAD_QUERY' });
  });
});
