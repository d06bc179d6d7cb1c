import { afterAll, afterEach, beforeAll } from 'vitest';
import type { OwnedDatabase } from '../database/database.ts';
import { startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { type Leases, type LeasesOptions, openLeases } from './leases.ts';

/** Of every lease that does not say another, in ms. */
export const TTL = 500;

export interface Owners {
  readonly server: TestServer;
  /** The same database as another fabric has it. */
  readonly other: OwnedDatabase;
  /** Closed after the test, without having shipped. */
  open(owner: string, options?: Partial<LeasesOptions>): Promise<Leases>;
}

/** For the tests of the file that calls this; there once they run. */
export function useOwners(): { readonly current: Owners } {
  let current: Owners | undefined;
  const opened: Leases[] = [];
  beforeAll(async () => {
    const server = await startTestServer();
    current = {
      server,
      other: await server.connect(),
      async open(owner, options = {}) {
        const leases = await openLeases({
          database: server.database,
          owner,
          address: `http://${owner}.example:8080`,
          ttlMs: TTL,
          assurance: 'standard',
          ...options,
        });
        opened.push(leases);
        return leases;
      },
    };
  });
  afterEach(async () => {
    for (const leases of opened.splice(0)) await leases.close({ shipped: false }).catch(() => undefined);
  });
  afterAll(() => current?.server.stop());
  return {
    get current() {
      if (current === undefined) throw new Error('expected to be asked by a test');
      return current;
    },
  };
}

let names = 0;

/** A session that no other test has. */
export function newSession(): string {
  names += 1;
  return `s${names}`;
}
