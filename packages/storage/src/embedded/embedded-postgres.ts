import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { findBinaries } from './binaries.ts';
import { ensureCluster, readPassword } from './cluster.ts';
import { urlOver } from './embedded-url.ts';
import { chooseIdentity } from './identity.ts';
import { stopOrphans } from './orphans.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { openSocketFolder, removeSocketFolder } from './socket-folder.ts';

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5_000;

/** What happens without anyone having asked, for the operator's log. */
export type PostgresEvent =
  /** The database's files were made. */
  | 'postgres_created'
  | 'postgres_started'
  /** A killed fabric had left it running. */
  | 'postgres_orphan_stopped'
  /** It ended without having been told to; it is started again. */
  | 'postgres_exited'
  | 'postgres_start_failed'
  /** A line of its own log, which holds no statement and no value. */
  | 'postgres_said';

export interface EmbeddedPostgresOptions {
  /** Made where it is missing. One process at a time: the caller holds the lock of the data folder around it. */
  readonly directory: string;
  readonly emit: (event: PostgresEvent, details: Readonly<Record<string, string | number>>) => void;
}

export interface EmbeddedPostgres {
  /** For `openDatabase`: a Unix socket, a login that is no superuser, and its password. The same after a restart. */
  readonly url: string;
  health(): readonly string[];
  stop(): Promise<void>;
}

/** PostgreSQL in a folder, started again whenever it ends by itself. Throws LedgerError POSTGRES_…. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { emit } = options;
  await mkdir(options.directory, { recursive: true, mode: 0o711 });
  const directory = await realpath(options.directory);
  const data = join(directory, 'data');
  const binaries = await findBinaries(directory);
  const chosen = await chooseIdentity(binaries.postgres, directory, data);
  if (await ensureCluster(directory, data, binaries, chosen))
    emit('postgres_created', { version: chosen.major });
  const sockets = await openSocketFolder(directory, chosen.identity);
  const password = await readPassword(directory);

  let problem: string | undefined;
  let stopping: Promise<void> | undefined;
  let wake: () => void = () => undefined;
  let server = await start();
  const watching = watch();

  async function start(): Promise<ServerProcess> {
    const before = performance.now();
    const orphans = await stopOrphans(data, sockets);
    if (orphans > 0) emit('postgres_orphan_stopped', { processes: orphans });
    const { identity } = chosen;
    const line = (text: string) => emit('postgres_said', { text });
    const started = await startServer({ ...binaries, identity, directory, data, sockets, line });
    emit('postgres_started', { ms: Math.round(performance.now() - before) });
    return started;
  }

  async function watch(): Promise<void> {
    for (;;) {
      const { code, signal } = await server.ended;
      if (stopping !== undefined) return;
      problem = 'the database that comes along has ended; it is being started again';
      emit('postgres_exited', { code: code ?? -1, signal: signal ?? 'none' });
      const next = await startAgain();
      if (next === undefined) return;
      server = next;
      problem = undefined;
    }
  }

  /** As often as it takes: a full disk is mended one day. undefined once it is to stop. */
  async function startAgain(): Promise<ServerProcess | undefined> {
    for (let failures = 0; stopping === undefined; failures++) {
      const wait = Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (stopping !== undefined) return undefined;
      try {
        const started = await start();
        if (stopping === undefined) return started;
        await started.stop();
      } catch (error) {
        problem = error instanceof Error ? error.message : 'the database that comes along does not start';
        emit('postgres_start_failed', { problem });
      }
    }
    return undefined;
  }

  async function stop(): Promise<void> {
    wake();
    await server.stop();
    // A start that is on its way is let finish: what it started has to be stopped too.
    await watching;
    await removeSocketFolder(directory, sockets);
  }

  return {
    url: urlOver(sockets, password),
    health: () => (problem === undefined ? [] : [problem]),
    stop: () => (stopping ??= stop()),
  };
}
