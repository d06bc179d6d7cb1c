import { afterAll, afterEach, beforeAll } from 'vitest';
import type { OwnedDatabase } from '../database/database.ts';
import { startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { type Authority, type AuthorityOptions, openAuthority } from './authority.ts';
import type { TokenRecord } from './tokens.ts';

/** Later than the clock of any machine that runs this. */
export const NOW = 4_000_000_000_000;
export const HOUR = 3_600_000;

export const because = { reason: 'lost laptop', by: 'ops@example', at: NOW };

export interface Authorities {
  readonly server: TestServer;
  /** The same database as another fabric has it. */
  readonly other: OwnedDatabase;
  /** Closed after the test. */
  open(options?: Partial<AuthorityOptions>): Promise<Authority>;
}

/** For the tests of the file that calls this; there once they run. */
export function useAuthorities(): { readonly current: Authorities } {
  let current: Authorities | undefined;
  const opened: Authority[] = [];
  beforeAll(async () => {
    const server = await startTestServer();
    current = {
      server,
      other: await server.connect(),
      async open(options = {}) {
        const authority = await openAuthority({ database: server.database, floor: () => 1, ...options });
        opened.push(authority);
        return authority;
      },
    };
  });
  afterEach(async () => {
    for (const authority of opened.splice(0)) await authority.close();
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

export function newName(prefix: string): string {
  names += 1;
  return `${prefix}-${names}`;
}

/** A tenant that no other test has. */
export function newTenant(): string {
  return newName('tenant');
}

export function token(tenant: string, id: string, changes: Partial<TokenRecord> = {}): TokenRecord {
  return {
    id,
    tenant,
    subject: 'agent-1',
    session: null,
    audience: 'sidecar-watcher',
    roles: ['agent'],
    capabilities: ['call:*'],
    epoch: 1,
    issuedAt: NOW,
    expiresAt: NOW + HOUR,
    ...changes,
  };
}
