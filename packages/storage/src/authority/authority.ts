import { performance } from 'node:perf_hooks';
import type { Database } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import type { LedgerScope } from '../reader/scope.ts';
import { CHANNEL } from './change.ts';
import { type EpochRow, listEpochs, raiseEpoch } from './epochs.ts';
import { KnownChanges } from './known-changes.ts';
import type { Page, Paging } from './page.ts';
import { startRefreshing } from './refreshing.ts';
import {
  listRevocations,
  type RevocationAnswer,
  type RevocationRequest,
  type RevocationRow,
  revoke,
} from './revocations.ts';
import { listTokens, recordToken, type TokenQuery, type TokenRecord, type TokenRow } from './tokens.ts';

/** Who may still act, the same in every fabric on one database within a second. */
export interface Authority {
  /** In force for a tenant. From memory. */
  epoch(tenant: string): number;
  /** Whether the token, or whoever holds it, was revoked. From memory. */
  revoked(tokenId: string, principal: { readonly tenant: string; readonly id: string }): boolean;
  /** How old what is in memory may be. Whoever asks the two above refuses when this is too much. */
  staleMs(): number;
  /** Throws EPOCH_NOT_RAISED unless it goes up. Answers the epoch in force. */
  raiseEpoch(tenant: string, epoch: number, by: string): Promise<number>;
  /** Idempotent, and for good. In force here when it resolves. */
  revoke(scope: LedgerScope, request: RevocationRequest): Promise<RevocationAnswer>;
  /** In the order in which they were made. */
  revocations(scope: LedgerScope, page: Paging): Promise<Page<RevocationRow>>;
  /** Of tenants whose epoch was ever raised, by tenant. */
  epochs(scope: LedgerScope, page: Paging): Promise<Page<EpochRow>>;
  recordToken(token: TokenRecord): Promise<void>;
  /** By expiry. */
  tokens(scope: LedgerScope, query: TokenQuery): Promise<Page<TokenRow>>;
  /** What is wrong, for an operator. */
  health(): readonly string[];
  close(): Promise<void>;
}

export interface AuthorityOptions {
  readonly database: Database;
  /** The least epoch in force for every tenant, as configured. */
  readonly floor: () => number;
  /** Monotonic ms. */
  readonly now?: () => number;
  /** ms since 1970. */
  readonly wall?: () => number;
}

/** Resolves once epochs and revocations are in memory; throws LedgerError where they cannot be read. */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const { database, floor } = options;
  const now = options.now ?? (() => performance.now());
  const wall = options.wall ?? (() => Date.now());
  const known = new KnownChanges(database);
  const refreshing = startRefreshing((extent) => known.refresh(wall(), extent), { now, wall });
  // Heard without a payload after a reconnect, perhaps to another server: then nothing in memory is sure.
  const listening = database
    .listen(CHANNEL, (payload) => refreshing.hint(payload === ''))
    .catch(() => undefined);
  try {
    await refreshing.now();
  } catch (error) {
    await refreshing.stop();
    throw error;
  }

  return {
    epoch: (tenant) => Math.max(floor(), known.epoch(tenant)),
    revoked: (tokenId, principal) => known.revoked(tokenId, principal),
    staleMs: () => refreshing.staleMs(),
    async raiseEpoch(tenant, epoch, by) {
      const raised = await raiseEpoch(database, { tenant, epoch, by, at: wall(), floor: floor() });
      await settled(refreshing.now());
      return raised;
    },
    async revoke(scope, request) {
      const answer = await revoke(database, scope, request);
      await settled(refreshing.now());
      return answer;
    },
    revocations: (scope, page) => listRevocations(database, scope, page),
    epochs: (scope, page) => listEpochs(database, scope, page),
    recordToken: (token) => recordToken(database, token),
    tokens: (scope, query) => listTokens(database, scope, query, floor()),
    health() {
      const failure = refreshing.failure();
      if (failure === undefined) return [];
      const code = failure instanceof LedgerError ? failure.code : 'unknown error';
      return [`epochs and revocations are ${Math.round(refreshing.staleMs())} ms old (${code})`];
    },
    async close() {
      await refreshing.stop();
      await (await listening)?.();
    },
  };
}

/** The change is kept, whatever becomes of the look after it: then `staleMs` grows, and callers refuse. */
async function settled(look: Promise<void>): Promise<void> {
  await look.catch(() => undefined);
}
