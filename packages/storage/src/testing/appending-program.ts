// Ships a made-up file log until it is all in the ledger or the process is killed, and says what it was answered.
import { writeSync } from 'node:fs';
import type { LedgerEntry } from '@provability-fabric/evidence';
import { openDatabase } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import type { PostgresLedgerWriter } from '../ledger/ledger-writer.ts';
import { openTestWriter } from '../reader/ledger-database.fixture.ts';
import { entriesAfter } from './ledger-entries.fixture.ts';

const SESSIONS = 4;
const [url = '', name = '', total = '0', size = '1'] = process.argv.slice(2);
const say = (line: string) => writeSync(1, `${line}\n`);

const count = Number(total) / SESSIONS;
const sessions = Array.from({ length: SESSIONS }, (_, number) =>
  entriesAfter(undefined, count, { tenant: 'acme', session: `${name}/${number}` }),
);
const log = Array.from({ length: count }, (_, turn) =>
  sessions.map((entries) => entries[turn] as LedgerEntry),
).flat();

/** As a shipper does: what the ledger could not be asked or told is tried again. */
async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code !== 'LEDGER_UNAVAILABLE') throw error;
      say('unavailable');
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
}

const database = await patiently(() => openDatabase({ url, connections: 2, connectTimeoutMs: 1_000 }));
const writer: PostgresLedgerWriter = await patiently(() => openTestWriter(database));
for (let from = await patiently(() => writer.position(name)); from < log.length; ) {
  const entries = log.slice(from, from + Number(size));
  const { position, checkpoint } = await patiently(() => writer.append({ writer: name, from, entries }));
  say(`acked ${position} ${JSON.stringify(checkpoint)}`);
  from = position ?? from;
}
await writer.close();
await database.close();
say('done');
