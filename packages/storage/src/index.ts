// What is stored, row by row, for whoever holds it against its signatures
export { type LedgerState, readLedgerState } from './audit/ledger-state.ts';
export { type LedgerSummary, readLedgerSummary } from './audit/ledger-summary.ts';
export {
  type AccessStatement,
  hasSecretAudit,
  readAccessStatements,
  readAuditRows,
  readListed,
  type StoredAccess,
} from './audit/secret-audit.ts';
export {
  readNamedSessions,
  readStoredLease,
  readStoredSessions,
  type StoredLease,
  type StoredSession,
} from './audit/stored-sessions.ts';
export {
  findIndexSince,
  readNewestHeads,
  readStatementDigests,
  readStoredStatements,
  type StoredHead,
  type StoredStatement,
} from './audit/stored-statements.ts';
export { readStoredTiles, type StoredTile, type TilePlace } from './audit/stored-tiles.ts';
// Epochs, revocations, and the tokens that were issued
export { type Authority, type AuthorityOptions, openAuthority } from './authority/authority.ts';
export type { EpochRow } from './authority/epochs.ts';
export type { Page, Paging } from './authority/page.ts';
export type {
  RevocationAnswer,
  RevocationRequest,
  RevocationRow,
  RevokedPrincipal,
} from './authority/revocations.ts';
export type { TokenQuery, TokenRecord, TokenRow, TokenStatus } from './authority/tokens.ts';
// Bundles that every fabric on one database decides under
export type { BundleRow } from './bundles/list-bundles.ts';
export type { NewestBundle, SignedBundle } from './bundles/newest-bundle.ts';
export type { PublishAnswer, Publishing } from './bundles/publish-bundle.ts';
export {
  type FollowedBundle,
  openPublishedBundles,
  type PublishedBundles,
  type PublishedBundlesOptions,
} from './bundles/published-bundles.ts';
// Connections and transactions
export {
  type Database,
  type DatabaseOptions,
  type DatabaseRole,
  type OwnedDatabase,
  openDatabase,
  openDatabaseAsItIs,
  openDatabaseToRead,
  type Transaction,
  type TransactionOptions,
} from './database/database.ts';
// The schema
export { migrate } from './database/migrate.ts';
// Logins that tenants hold themselves
export { createTenantLogin, dropTenantLogin } from './database/tenant-login.ts';
// A PostgreSQL of our own
export {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  type PostgresEvent,
  startEmbeddedPostgres,
} from './embedded/embedded-postgres.ts';
export { embeddedUrl } from './embedded/embedded-url.ts';
// Errors
export { LedgerError, type LedgerErrorCode, RedisError, type RedisErrorCode } from './errors.ts';
// What replicas of a governor share
export type { PostgresClaims } from './governor/claims.ts';
export {
  type GovernorStore,
  type GovernorStoreOptions,
  openGovernorStore,
} from './governor/governor-store.ts';
// Which fabric decides a session
export {
  type LeaseAnswer,
  type Leases,
  type LeasesOptions,
  type LostAnswer,
  openLeases,
} from './leases/leases.ts';
// Adding to the ledger, and forgetting
export { eraseTenant } from './ledger/erase-tenant.ts';
export {
  type LedgerWriterOptions,
  openLedgerWriter,
  type PostgresLedgerWriter,
} from './ledger/ledger-writer.ts';
// Reading the ledger
export {
  type LedgerChange,
  type LedgerChanges,
  type LedgerChangesOptions,
  openLedgerChanges,
} from './reader/ledger-changes.ts';
export { type LedgerReader, type LedgerReaderOptions, openLedgerReader } from './reader/ledger-reader.ts';
export type { BundleSource } from './reader/ports.ts';
export type { LedgerScope } from './reader/scope.ts';
export type { LedgerSessionHead, LedgerStatement } from './reader/session.ts';
export {
  type ArchivedStatement,
  type LedgerSessionArchive,
  openSessionArchive,
  type SessionArchiveOptions,
} from './reader/session-archive.ts';
export type {
  StatementFilter,
  StatementPage,
  StatementQuery,
  StatementRow,
} from './reader/statement-list.ts';
// What replicas tell each other, and count together
export {
  openRedisKillSource,
  type RedisKillSource,
  type RedisKillSourceOptions,
} from './redis/kill-source.ts';
export { openRedis, type RedisConnection, type RedisConnectionOptions } from './redis/redis.ts';
export type { RedisEvent } from './redis/redis-event.ts';
// Rotating what is kept elsewhere
export { createPostgresRolesRotator } from './rotators/postgres-roles.ts';
// Secrets: sealed rows, the state of rotations, who did what
export type { AuditPage, AuditPaging, AuditQuery } from './secrets/audit-list.ts';
export type { AuditRow, StoredAuditRow } from './secrets/audit-row.ts';
export { openRotationStore, type RotationStoreOptions } from './secrets/rotation-store.ts';
export {
  openSecretAuditLog,
  type SecretAuditLog,
  type SecretAuditLogOptions,
} from './secrets/secret-audit-log.ts';
export { openSecretRows, type SecretRowsOptions } from './secrets/secret-rows.ts';
// What sessions take from limits that they share
export { openSharedUsage, type SharedUsage, type SharedUsageOptions } from './usage/usage.ts';
