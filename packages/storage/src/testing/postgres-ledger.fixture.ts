import { leafHash } from '@provability-fabric/kernel';
import { type OwnedDatabase, openDatabase } from '../database/database.ts';
import { crypto, openTestWriter, type TestServer } from '../reader/ledger-database.fixture.ts';
import { freshDatabase } from './fresh-database.fixture.ts';
import type { LedgerUnderTest } from './ledger-writer-contract.ts';

export interface PostgresLedger extends LedgerUnderTest {
  readonly url: string;
  readonly database: OwnedDatabase;
}

/** A ledger in a database of its own. */
export async function openPostgresLedger(server: TestServer): Promise<PostgresLedger> {
  const url = await freshDatabase(server, 'schema');
  const opened: OwnedDatabase[] = [];
  const connect = async () => {
    const database = await openDatabase({ url, connections: 3 });
    opened.push(database);
    return database;
  };
  const database = await connect();
  const read = <Row>(text: string) => database.transaction('pf_auditor', (tx) => tx.query<Row>(text));
  return {
    url,
    database,
    writer: async () => openTestWriter(await connect()),
    stored: () =>
      read(
        `select log_index as index, encode(digest, 'hex') as digest, session from pf.statements order by 1`,
      ),
    superseded: async () =>
      (await read<{ digest: string }>(`select encode(digest, 'hex') as digest from pf.superseded`)).map(
        ({ digest }) => digest,
      ),
    leafHashes: async () => {
      const tiles = await read<{ hashes: Buffer }>(
        'select hashes from pf.tiles where level = -1 order by tile',
      );
      const data = new Uint8Array(Buffer.concat(tiles.map(({ hashes }) => hashes)));
      return Array.from({ length: data.length / 32 }, (_, i) =>
        leafHash(crypto, data.subarray(i * 32, (i + 1) * 32)),
      );
    },
    async close() {
      await Promise.all(opened.map((one) => one.close()));
    },
  };
}
