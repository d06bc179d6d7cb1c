import type { JsonValue } from '@provability-fabric/kernel';

/** Whose rows may be seen; tenant null: those of all tenants. */
export interface Scope {
  readonly tenant: string | null;
}

export interface StatementQuery {
  readonly scope: Scope;
  readonly types: readonly string[];
  readonly session?: string;
  readonly principal?: string;
  /** ms since the epoch; from `since` on, before `until`. */
  readonly since?: number;
  readonly until?: number;
  readonly limit: number;
  readonly cursor?: string;
}

export interface StatementRow {
  /** In the ledger's log. */
  readonly index: number;
  /** The payload, which is canonical JSON of one object. */
  readonly statement: JsonValue;
  /** base64. */
  readonly signature: string;
}

/** A page, and where the next one begins; null: there is none. A cursor says nothing that its scope could not ask for. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

/** What the ledger has. Rejects with a LedgerError: BAD_CURSOR for a cursor that it never gave out. */
export interface LedgerReader {
  statements(query: StatementQuery): Promise<Page<StatementRow>>;
  count(query: Omit<StatementQuery, 'limit' | 'cursor'>): Promise<number>;
  /** The newest signed checkpoint; null: nothing was ever appended. */
  checkpoint(): Promise<string | null>;
  /** By its path below `/tile/` (C2SP tlog-tiles); null: there is no such tile, or not yet. */
  tile(path: string): Promise<Uint8Array | null>;
  /** The file that a verifier reads, by certificate, receipt or statement digest; null: not in this scope. */
  evidence(scope: Scope, id: string): Promise<JsonValue | null>;
}

export type TokenStatus = 'active' | 'revoked' | 'expired';

/** An issued token as the ledger knows it: never the token itself. */
export interface TokenRow {
  readonly id: string;
  readonly tenant: string;
  readonly subject: string;
  readonly session: string | null;
  readonly audience: string;
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
  readonly epoch: number;
  /** ms since the epoch, as is the next one. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** `revoked` by name, or by an epoch or a revocation of its subject; whether it expired as well or not. */
  readonly status: TokenStatus;
}

export interface Revoking {
  readonly tokenIds?: readonly string[];
  readonly principals?: readonly { readonly tenant: string; readonly id: string }[];
  readonly reason: string;
  /** Who revokes, and when (ms since the epoch). */
  readonly by: string;
  readonly at: number;
}

/** What a revocation met: an id that was never recorded is revoked too, and named. */
export interface Revoked {
  readonly revoked: readonly string[];
  readonly unknown: readonly string[];
}

/** Issued tokens. `revoke` is durable, idempotent and never expires. */
export interface TokenRecords {
  tokens(
    scope: Scope,
    page: {
      readonly status: TokenStatus | 'all';
      readonly now: number;
      readonly limit: number;
      readonly cursor?: string;
    },
  ): Promise<Page<TokenRow>>;
  /** In the scope of all tenants a token is revoked whosever it is. */
  revoke(scope: Scope, revoking: Revoking): Promise<Revoked>;
}
