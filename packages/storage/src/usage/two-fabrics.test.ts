import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OwnedDatabase } from '../database/database.ts';
import { startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { openSharedUsage, type UsageCharge } from './usage.ts';

const NOW = 1_800_000_000_000;
let server: TestServer;
let other: OwnedDatabase;
let n = 0;
beforeAll(async () => {
  server = await startTestServer();
  other = await server.connect();
}, 60_000);
afterAll(() => server?.stop());
const charge = (clause: string): UsageCharge => ({
  clause,
  unit: 'calls',
  key: 'tenant',
  amount: 1,
  window_ms: null,
  tolerance_ms: 0,
});

describe('two fabrics', () => {
  it('that give back and take at once do not wait for each other in a circle', async () => {
    const fabrics = [openSharedUsage({ database: server.database }), openSharedUsage({ database: other })];
    const failures: string[] = [];
    const id = () => {
      n += 1;
      return `c${n}`;
    };
    const take = (which: number, clause: string) =>
      (fabrics[which] as (typeof fabrics)[0]).reserve({
        tenant: 'acme',
        certificateId: id(),
        at: NOW,
        charges: [charge(clause)],
      });
    const work = async (which: number, given: string, taken: string) => {
      for (let round = 0; round < 150; round += 1) {
        try {
          const { release } = await take(which, given);
          const first = take(which, `own-${which}`); // under way: what comes now shares the next transaction
          const next = [release([given]), take(which, taken)];
          const { release: back } = (await next[1]) as Awaited<ReturnType<typeof take>>;
          await Promise.all([first, next[0]]);
          await back([taken]);
        } catch (error) {
          failures.push(`${(error as Error).message} / ${((error as Error).cause as Error)?.message}`);
        }
      }
    };
    await Promise.all([work(0, 'z', 'a'), work(1, 'a', 'z')]);
    for (const each of fabrics) await each.close();
    expect(failures).toEqual([]);
  }, 90_000);
});
