// The database as the rest of this package sees it: transactions under a role that owns nothing, channels to
// listen on, and what is wrong with it. Nothing here prints or keeps the URL.
import { Client, Pool, type PoolClient, type QueryResult } from 'pg';
import { LedgerError } from '../errors.ts';
import { MIGRATIONS } from '../migrations/all.ts';
import { columnTypes } from './column-types.ts';
import { createHealth, requireWritable } from './health.ts';
import { createListener } from './listener.ts';
import { migrate, requireCurrentSchema } from './migrate.ts';
import { asLedgerError, ledgerError } from './postgres-error.ts';
import { requireVersion } from './server-version.ts';

export interface Transaction {
  query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/**
 * They own nothing and log in to nothing: pf_reader is bound to one tenant, pf_auditor reads all, pf_writer appends.
 * pf_secrets has the secrets and adds to their audit log, which secrets_auditor reads for all tenants. pf_governor has what
 * the replicas of a governor share.
 */
export type DatabaseRole =
  | 'pf_writer'
  | 'pf_reader'
  | 'pf_auditor'
  | 'pf_secrets'
  | 'pf_governor'
  | 'secrets_auditor';

export interface TransactionOptions {
  readonly tenant?: string;
  readonly readOnly?: boolean;
  /** For all of it, the wait for a connection excepted; 10 s unless told. */
  readonly timeoutMs?: number;
}

export interface Database {
  /** Throws LedgerError; what `work` throws comes through as it is, after the rollback. */
  transaction<T>(
    role: DatabaseRole,
    work: (tx: Transaction) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
  /**
   * Survives reconnects, and calls `heard('')` after each: something may have been missed. Any login of the
   * server can send on any channel, so a payload is a reason to look and never a fact.
   */
  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>>;
  /** What is wrong, in words for an operator, without address or secret. */
  health(): readonly string[];
  /** Connections that are in use, of those that there may be: 0 to 1. */
  inUse(): number;
  close(): Promise<void>;
}

/** The same, for what needs the rights of the schema's owner: migrations and tenants' logins. */
export interface OwnedDatabase extends Database {
  asOwner<T>(work: (tx: Transaction) => Promise<T>, timeoutMs?: number): Promise<T>;
}

export interface DatabaseOptions {
  /** `postgresql://user:password@host/database?sslmode=…`, or `?host=/folder` for a Unix socket. */
  readonly url: string;
  /** At most this many connections, the one that listens excepted. */
  readonly connections?: number;
  readonly connectTimeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const MIGRATION_TIMEOUT_MS = 600_000;
/** The server ends a statement at its time-out; only where it does not answer at all is the connection dropped. */
const GRACE_MS = 1_000;

/** Connects, refuses what is too old, and brings the schema `pf` up to this release. */
export async function openDatabase(options: DatabaseOptions): Promise<OwnedDatabase> {
  const database = connect(options, 'write');
  return closedUnless(database, async () => {
    await database.asOwner(requireVersion);
    await migrate(database, MIGRATIONS.length);
  });
}

/**
 * Connects and leaves the schema as it is: one of an older or newer release is refused by name. For whoever works
 * beside a fabric, whose schema changes when the fabric does.
 */
export async function openDatabaseAsItIs(options: DatabaseOptions): Promise<OwnedDatabase> {
  const database = connect(options, 'write');
  return closedUnless(database, async () => {
    await database.asOwner(requireVersion);
    await database.asOwner(requireCurrentSchema);
  });
}

/** The same for whoever only reads: no transaction can write, whatever it asks for. */
export async function openDatabaseToRead(options: DatabaseOptions): Promise<Database> {
  const database = connect(options, 'read');
  return closedUnless(database, async () => {
    await database.asOwner(requireVersion);
    await database.asOwner(requireCurrentSchema);
  });
}

async function closedUnless(database: OwnedDatabase, fit: () => Promise<void>): Promise<OwnedDatabase> {
  try {
    await fit();
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

function connect(options: DatabaseOptions, access: 'read' | 'write'): OwnedDatabase {
  const { connections = 10, connectTimeoutMs = 5_000 } = options;
  const settings = {
    connectionString: checkedUrl(options.url),
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'provability-fabric',
    keepAlive: true,
    types: columnTypes,
  };
  const pool = new Pool({ ...settings, max: connections, idleTimeoutMillis: 30_000 });
  // An idle connection that breaks is replaced by the next one asked for; without a listener it ends the process.
  pool.on('error', () => undefined);
  const listener = createListener(() => new Client(settings));
  // A standby is as good as any where nothing is written.
  const fit = access === 'read' ? requireVersion : requireWritable;
  const health = createHealth(() => inTransaction(undefined, fit, { timeoutMs: 2_000 }));
  let closing: Promise<void> | undefined;

  async function inTransaction<T>(
    role: DatabaseRole | undefined,
    work: (tx: Transaction) => Promise<T>,
    { tenant = '', readOnly = false, timeoutMs = DEFAULT_TIMEOUT_MS }: TransactionOptions,
  ): Promise<T> {
    if (closing !== undefined) throw ledgerError('LEDGER_UNAVAILABLE', 'closed');
    const client = await pool.connect().catch((error: unknown) => {
      throw asLedgerError(error);
    });
    const run = async () => {
      await client.query(readOnly || access === 'read' ? 'begin read only' : 'begin');
      // As parameters and local to the transaction: a pooled connection carries nothing over to the next.
      await client.query(
        `select set_config('pf.tenant', $1, true), set_config('statement_timeout', $2, true),
           set_config('lock_timeout', $2, true), set_config('idle_in_transaction_session_timeout', $2, true),
           set_config('search_path', 'pg_catalog, pg_temp', true),
           -- What is acknowledged is on disk, whatever the server's default is.
           case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', true) end,
           case when $3::text is not null then set_config('role', $3, true) end`,
        [tenant, `${timeoutMs}`, role ?? null],
      );
      const value = await work(transactionOn(client));
      await client.query('commit');
      return value;
    };
    return guarded(client, run, timeoutMs + GRACE_MS);
  }

  async function watched<T>(
    role: DatabaseRole | undefined,
    work: (tx: Transaction) => Promise<T>,
    options: TransactionOptions,
  ): Promise<T> {
    try {
      const value = await inTransaction(role, work, options);
      health.succeeded(options.readOnly === true);
      return value;
    } catch (error) {
      health.failed(error);
      throw error;
    }
  }

  return {
    transaction: (role, work, transactionOptions = {}) => watched(role, work, transactionOptions),
    asOwner: (work, timeoutMs = MIGRATION_TIMEOUT_MS) => watched(undefined, work, { timeoutMs }),
    listen: (channel, heard) => listener.listen(channel, heard),
    health: () => health.problems(),
    inUse: () => (pool.totalCount - pool.idleCount) / connections,
    close() {
      closing ??= (async () => {
        health.close();
        await listener.close();
        await pool.end().catch(() => undefined);
      })();
      return closing;
    },
  };
}

/** Runs, within a time, on a connection that is given back, or thrown away where its state is not known. */
async function guarded<T>(client: PoolClient, run: () => Promise<T>, timeoutMs: number): Promise<T> {
  let broken = false;
  const breaks = () => {
    broken = true;
  };
  client.on('error', breaks);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      broken = true;
      reject(ledgerError('LEDGER_UNAVAILABLE', `no answer in ${timeoutMs} ms`));
    }, timeoutMs);
  });
  const running = run().catch(async (error: unknown) => {
    await client.query('rollback').catch(breaks);
    throw asLedgerError(error);
  });
  running.catch(() => undefined); // where the time-out was first, nobody waits for it
  try {
    return await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
    client.removeListener('error', breaks);
    // Breaking off while a query is on its way destroys the socket: a server that hangs holds nothing here.
    if (broken) client.on('error', () => undefined);
    client.release(broken);
  }
}

function transactionOn(client: PoolClient): Transaction {
  return {
    async query<Row>(text: string, values?: readonly unknown[]) {
      const result = (await client.query(text, values as unknown[])) as QueryResult | QueryResult[];
      // Several statements in one text answer with a list; the last one's rows count.
      const last = Array.isArray(result) ? result.at(-1) : result;
      return (last?.rows ?? []) as readonly Row[];
    },
  };
}

function checkedUrl(url: string): string {
  try {
    if (!/^postgres(ql)?:\/\//.test(url)) throw new Error('scheme');
    new Client({ connectionString: url });
    return url;
  } catch {
    // What the parser says quotes the URL, and so the password in it.
    throw new LedgerError(
      'LEDGER_REFUSED',
      'expected a database URL like `postgresql://user:password@host:5432/database`, got something else',
    );
  }
}
