import { usageContract } from '@provability-fabric/testkit';
import { startTestServer } from '../reader/ledger-database.fixture.ts';
import { openSharedUsage } from './usage.ts';

usageContract('PostgreSQL', async () => {
  const server = await startTestServer();
  const usage = openSharedUsage({ database: server.database });
  return {
    usage,
    another: async () => openSharedUsage({ database: await server.connect() }),
    async close() {
      await usage.close();
      await server.stop();
    },
  };
});
