import type { RecordSealer } from '@provability-fabric/evidence';
import type { Crypto, JsonValue } from '@provability-fabric/kernel';
import type { Database } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { readEvidence } from './evidence.ts';
import type { BundleSource } from './ports.ts';
import { readConsistency } from './proofs.ts';
import { type LedgerScope, readIn } from './scope.ts';
import { type LedgerSessionHead, type LedgerStatement, readHead, readSession } from './session.ts';
import {
  countStatements,
  listStatements,
  type StatementFilter,
  type StatementPage,
  type StatementQuery,
} from './statement-list.ts';
import { parseTilePath, readTile } from './tile.ts';

/** Everything throws LedgerError: BAD_QUERY and BAD_CURSOR for what was asked, the rest for the database. */
export interface LedgerReader {
  /** By (issued_at, index); `since` inclusive, `until` exclusive. */
  statements(query: StatementQuery): Promise<StatementPage>;
  count(query: StatementFilter): Promise<number>;
  /** The newest; null for a ledger without entries. */
  checkpoint(): Promise<string | null>;
  /** By the path below `/tile/`, full or partial; null for what is no tile, or none yet. */
  tile(path: string): Promise<Uint8Array | null>;
  /** The file that `pf-verify` reads, for a certificate_id, receipt_id, access_id, change_id or digest; null where there is none. */
  evidence(scope: LedgerScope, id: string): Promise<JsonValue | null>;
  head(tenant: string, session: string): Promise<LedgerSessionHead | undefined>;
  session(tenant: string, session: string, fromSeq?: number): AsyncIterable<LedgerStatement>;
  consistency(oldSize: number, newSize: number): Promise<readonly Uint8Array[]>;
}

export interface LedgerReaderOptions {
  readonly database: Database;
  readonly crypto: Crypto;
  /** Null where this process has no keys of records: evidence is then without them. */
  readonly opener: Pick<RecordSealer, 'opener'> | null;
  /** Null where no bundles are kept: what names them is then proven and not derived again. */
  readonly bundles: BundleSource | null;
}

/** Checkpoints and tiles show nothing of a tenant. */
const PUBLIC: LedgerScope = { tenant: null };
const TIMEOUT_MS = 5_000;

export function openLedgerReader(options: LedgerReaderOptions): LedgerReader {
  const { database, crypto } = options;

  return {
    statements: async (query) => listStatements(database, crypto, query),
    count: async (query) => countStatements(database, query),
    async checkpoint() {
      const [row] = await readIn(
        database,
        PUBLIC,
        (tx) => tx.query<{ checkpoint: string }>('select checkpoint from pf.log_state where size > 0'),
        TIMEOUT_MS,
      );
      return row?.checkpoint ?? null;
    },
    async tile(path) {
      const place = parseTilePath(path);
      return place === undefined ? null : readIn(database, PUBLIC, (tx) => readTile(tx, place), TIMEOUT_MS);
    },
    evidence: async (scope, id) => readEvidence(options, scope, id),
    head: async (tenant, session) => readHead(database, tenant, session),
    session: (tenant, session, fromSeq = 0) => readSession(database, tenant, session, fromSeq),
    async consistency(oldSize, newSize) {
      return readIn(
        database,
        PUBLIC,
        async (tx) => {
          const [row] = await tx.query<{ size: number }>('select size from pf.log_state');
          const size = row?.size ?? 0;
          const inOrder =
            [oldSize, newSize].every(Number.isSafeInteger) && oldSize >= 0 && oldSize <= newSize;
          if (!inOrder || newSize > size) {
            throw new LedgerError('BAD_QUERY', `expected sizes in order, of at most \`${size}\``);
          }
          return readConsistency(crypto, tx, oldSize, newSize);
        },
        TIMEOUT_MS,
      );
    },
  };
}
