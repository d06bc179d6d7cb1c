import { afterAll, beforeAll } from 'vitest';
import { startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { ledgerWriterContract } from '../testing/ledger-writer-contract.ts';
import { openPostgresLedger } from '../testing/postgres-ledger.fixture.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

ledgerWriterContract('the ledger on PostgreSQL', () => openPostgresLedger(server));
