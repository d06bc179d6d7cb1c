import type { LedgerEntry } from '@provability-fabric/evidence';
import { afterAll, beforeAll, expect } from 'vitest';
import type { PostgresLedgerWriter } from '../ledger/ledger-writer.ts';
import { entryOf } from '../testing/ledger-entries.fixture.ts';
import {
  crypto,
  openTestWriter,
  startTestServer,
  store,
  type TestServer,
} from './ledger-database.fixture.ts';
import { type LedgerReader, openLedgerReader } from './ledger-reader.ts';
import type { StatementFilter, StatementRow } from './statement-list.ts';

/** A moment in 2026, in ms. */
export const FROM = 1_767_225_600_000;

export interface TestLedger {
  readonly server: TestServer;
  readonly reader: LedgerReader;
  store(entries: readonly LedgerEntry[]): Promise<void>;
  /** Everything of a list, page by page. */
  allPages(filter: StatementFilter, limit: number): Promise<StatementRow[]>;
}

/** One for the tests of the file that calls this; there once they run. */
export function useTestLedger(): { readonly current: TestLedger } {
  let opened: (TestLedger & { readonly writer: PostgresLedgerWriter }) | undefined;
  beforeAll(async () => {
    const server = await startTestServer();
    const writer = await openTestWriter(server.database);
    const reader = openLedgerReader({ database: server.database, crypto, opener: null, bundles: null });
    opened = {
      server,
      writer,
      reader,
      store: (entries) => store(writer, entries),
      async allPages(filter, limit) {
        const rows: StatementRow[] = [];
        let cursor: string | undefined;
        do {
          const page = await reader.statements({
            ...filter,
            limit,
            ...(cursor === undefined ? {} : { cursor }),
          });
          expect(page.rows.length).toBeLessThanOrEqual(limit);
          rows.push(...page.rows);
          cursor = page.next ?? undefined;
        } while (cursor !== undefined);
        return rows;
      },
    };
  });
  afterAll(async () => {
    await opened?.writer.close();
    await opened?.server.stop();
  });
  return {
    get current() {
      if (opened === undefined) throw new Error('expected to be asked by a test');
      return opened;
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

export function receipt(tenant: string, id: string, issuedAt: number, size = 0): LedgerEntry {
  const statement = { receipt_id: id, subject_id: 'bob', filler: 'x'.repeat(size) };
  return { ...entryOf({ type: 'access-receipt', tenant, ...statement }), issuedAt };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
