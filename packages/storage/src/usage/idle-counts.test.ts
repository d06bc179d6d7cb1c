import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { openSharedUsage } from './usage.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(() => server?.stop());

it('counts that hold nothing any more do not stay for ever', async () => {
  const usage = openSharedUsage({ database: server.database, pruneEveryMs: 50 });
  for (let index = 0; index < 200; index += 1) {
    const { release } = await usage.reserve({
      tenant: 'acme',
      certificateId: `c${index}`,
      at: 1_500_000_000_000, // long ago
      charges: [
        {
          clause: 'c',
          unit: 'calls',
          key: `principal:${index}`,
          amount: 1,
          window_ms: null,
          tolerance_ms: 0,
        },
      ],
    });
    await release(['c']); // it was refused: nothing was ever taken
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  await usage.close();
  const [row] = await server.database.transaction(
    'pf_auditor',
    (tx) =>
      tx.query<{ n: number }>('select count(*)::int as n from pf.usage_counts where tenant = $1', ['acme']),
    { readOnly: true },
  );
  expect(row?.n).toBe(0);
});
