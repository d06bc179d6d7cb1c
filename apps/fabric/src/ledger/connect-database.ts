import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  LedgerError,
  type OwnedDatabase,
  openDatabase,
  startEmbeddedPostgres,
} from '@provability-fabric/storage';
import type { Logger } from 'pino';

/** Where the ledger's PostgreSQL is: one that comes along with the fabric, or one that somebody else runs. */
export type DatabaseSource = { readonly kind: 'embedded' } | { readonly kind: 'url'; readonly url: string };

export interface ConnectedDatabase {
  readonly database: OwnedDatabase;
  /** Connections of its own for what must not wait behind the others; whoever opens them closes them. */
  open(connections: number): Promise<OwnedDatabase>;
  health(): readonly string[];
  close(): Promise<void>;
}

const FIRST_WAIT_MS = 250;
const LAST_WAIT_MS = 5_000;

/** How long a database of somebody else's that does not answer is waited for. */
export interface Patience {
  readonly patienceMs: number;
  /** Aborted when whoever operates the fabric wants no start any more: ends the wait. */
  readonly stopping?: AbortSignal | undefined;
}

/**
 * Opens the database, starting it where it is ours. One of somebody else's that does not answer is waited for:
 * whoever starts everything at once need not order it. What waiting cannot mend is thrown at once.
 */
export async function connectDatabase(
  source: DatabaseSource,
  dataFolder: string,
  patience: Patience,
  log: Logger,
): Promise<ConnectedDatabase> {
  if (source.kind === 'url') {
    const database = await patiently(() => openDatabase({ url: source.url }), patience, log);
    return {
      database,
      open: (connections) => openDatabase({ url: source.url, connections }),
      health: () => database.health(),
      close: () => database.close(),
    };
  }
  const server = await startEmbeddedPostgres({
    directory: join(dataFolder, 'postgres'),
    emit(event, details) {
      const level = LOUD.has(event) ? 'error' : event === 'postgres_said' ? 'debug' : 'info';
      log[level]({ event, tags: LOUD.has(event) ? ['ERROR'] : [], ...details }, event.replaceAll('_', ' '));
    },
  });
  try {
    const database = await openDatabase({ url: server.url });
    return {
      database,
      open: (connections) => openDatabase({ url: server.url, connections }),
      health: () => [...server.health(), ...database.health()],
      async close() {
        await database.close();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

const LOUD: ReadonlySet<string> = new Set(['postgres_exited', 'postgres_start_failed']);

async function patiently<T>(
  open: () => Promise<T>,
  { patienceMs, stopping }: Patience,
  log: Logger,
): Promise<T> {
  const isStopping = () => stopping?.aborted === true;
  const deadline = performance.now() + patienceMs;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LAST_WAIT_MS)) {
    try {
      return await open();
    } catch (error) {
      const mayCome = error instanceof LedgerError && error.code === 'LEDGER_UNAVAILABLE';
      if (!mayCome || isStopping() || performance.now() + wait > deadline) throw error;
      log.warn(
        { event: 'ledger_awaited', tags: [], problem: error.message },
        'the database does not answer yet',
      );
      await sleep(wait, undefined, { signal: stopping }).catch(() => undefined);
      if (isStopping()) throw error;
    }
  }
}
