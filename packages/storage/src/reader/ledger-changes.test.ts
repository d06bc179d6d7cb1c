import { join } from 'node:path';
import { openRecordSealer } from '@provability-fabric/evidence';
import { utf8 } from '@provability-fabric/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PostgresLedgerWriter } from '../ledger/ledger-writer.ts';
import { entryOf } from '../testing/ledger-entries.fixture.ts';
import { type LedgerChange, type LedgerChanges, openLedgerChanges } from './ledger-changes.ts';
import {
  crypto,
  logVerifier,
  ORIGIN,
  openTestWriter,
  startTestServer,
  store,
  type TestServer,
  until,
} from './ledger-database.fixture.ts';

let server: TestServer;
let writer: PostgresLedgerWriter;
const opened: LedgerChanges[] = [];

beforeAll(async () => {
  server = await startTestServer();
  writer = await openTestWriter(server.database);
});
afterAll(async () => {
  await Promise.all(opened.map((changes) => changes.close()));
  await writer?.close();
  await server?.stop();
});

const sealer = () => openRecordSealer({ directory: join(server.directory, 'keys'), emit: () => undefined });

async function open(tenant: string, origin = ORIGIN): Promise<LedgerChanges> {
  const { database } = server;
  const opener = sealer();
  const changes = await openLedgerChanges({
    database,
    crypto,
    origin,
    verifiers: [logVerifier],
    tenant,
    opener,
  });
  opened.push(changes);
  return changes;
}

async function all(changes: LedgerChanges, index = 0): Promise<LedgerChange[]> {
  const found: LedgerChange[] = [];
  for await (const change of changes.from(index)) found.push(change);
  return found;
}

/** Changes of several logs, turn by turn, and statements of agents between them. */
async function add(tenant: string, count: number, mark = ''): Promise<void> {
  for (let number = 0; number < count; number++) {
    const session = `changes:${String(number % 2).repeat(32)}:0${mark}`;
    const seal = await sealer().sealer(tenant, false);
    const seq = Math.floor(number / 2);
    const record = seal({ tenant, session, seq }, utf8(`record ${number}`));
    const change_id = `00000000-0000-4000-8000-00000000000${number}`;
    await store(writer, [
      entryOf({ type: 'governed-change', tenant, session, seq, change_id, principal: 'alice' }, record),
      entryOf({ type: 'session-record', tenant, session: `agent${mark}`, seq: number }),
    ]);
  }
}

describe('the governed changes of the ledger', () => {
  it('refuses one that was changed, slipped in, or is under no checkpoint of its keys', async () => {
    await add('tampered', 3);
    const changes = await open('tampered');
    expect(await all(changes)).toHaveLength(3);
    await expect(all(await open('tampered', 'other.example/ledger'))).rejects.toMatchObject({
      code: 'LEDGER_CORRUPT',
    });
    await server.database.asOwner(async (tx) => {
      await tx.query(
        'alter table pf.statements disable trigger refuse_rewriting, no force row level security',
      );
      await tx.query(
        `update pf.statements set envelope = envelope || '\\x20' where tenant = 'tampered' and type = 'governed-change'
           and seq = 1`,
      );
      await tx.query('alter table pf.statements enable trigger refuse_rewriting, force row level security');
    });
    await expect(all(await open('tampered'))).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('shows nothing of another tenant, and nothing that agents did', async () => {
    await add('mine', 2);
    await add('theirs', 1, 'x');
    expect(await (await open('mine')).count()).toBe(2);
    const texts = (await all(await open('mine'))).map(({ record }) => Buffer.from(record ?? []).toString());
    expect(texts).toEqual(['record 0', 'record 1']);
    expect(await all(await open('nobody'))).toEqual([]);
  });

  it('has all logs in one order, from any place on, the same for every reader', async () => {
    await add('order', 7);
    const one = await open('order');
    const whole = await all(one);
    expect(whole.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    for (const from of [0, 3, 6, 7, 99]) {
      expect(await all(one, from)).toEqual(whole.slice(from));
      expect(await all(await open('order'), from)).toEqual(whole.slice(from));
    }
  });

  it('tells of what others add, and goes on from there', async () => {
    const changes = await open('told');
    let told = 0;
    const stop = changes.changed(() => {
      told += 1;
    });
    await add('told', 1);
    await until('it was told', () => told > 0, 2_000);
    expect(await all(changes)).toHaveLength(1);
    stop();
    await store(writer, [
      entryOf(
        { type: 'governed-change', tenant: 'told', session: `changes:${'1'.repeat(32)}:0`, seq: 0 },
        null,
      ),
    ]);
    expect(await all(changes, 1)).toMatchObject([{ index: 1, record: null }]);
  });
});
