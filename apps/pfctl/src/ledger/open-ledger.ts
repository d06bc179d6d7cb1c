import { join } from 'node:path';
import { CommandError } from '@provability-fabric/command-line';
import {
  type Database,
  type DatabaseOptions,
  embeddedUrl,
  LedgerError,
  type OwnedDatabase,
  openDatabaseAsItIs,
  openDatabaseToRead,
} from '@provability-fabric/storage';
import type { Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

const CONNECTIONS = 2;

/** Where the ledger's database is: of the process's environment, else the one of the fabric that runs on the data folder. */
export async function databaseUrl(shell: Shell, place: Place): Promise<string> {
  const given = shell.terminal.databaseUrl;
  return given ?? embeddedUrl(join(await dataFolderPath(shell, place), 'postgres'));
}

export async function dataFolderPath(shell: Shell, { env, data }: Place): Promise<string> {
  return shell.path(data ?? (await shell.settings(env)).dataDirectory);
}

/** Changes something in the ledger's database, and never its schema. */
export function changeLedger<Result>(
  shell: Shell,
  place: Place,
  work: (database: OwnedDatabase) => Promise<Result>,
): Promise<Result> {
  return withLedger(openDatabaseAsItIs, shell, place, work);
}

/** Reads the ledger's database over connections that cannot write. */
export function readLedger<Result>(
  shell: Shell,
  place: Place,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  return withLedger(openDatabaseToRead, shell, place, work);
}

/** Closes it whatever comes of the work. */
async function withLedger<Opened extends Database, Result>(
  open: (options: DatabaseOptions) => Promise<Opened>,
  shell: Shell,
  place: Place,
  work: (database: Opened) => Promise<Result>,
): Promise<Result> {
  const url = await databaseUrl(shell, place);
  const database = await open({ url, connections: CONNECTIONS }).catch((error: unknown) => {
    if (!(error instanceof LedgerError) || error.code !== 'LEDGER_UNAVAILABLE') throw error;
    const where = shell.terminal.databaseUrl === undefined ? "the data folder's PostgreSQL" : 'DATABASE_URL';
    const message = `expected ${where} to answer, came nothing; see whether it runs and is reached from here`;
    throw new CommandError('CANNOT_CHECK', message, { cause: error });
  });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
