import type { Usage } from '@provability-fabric/enforcement';
import {
  type OwnedDatabase,
  openDatabase,
  openSharedUsage,
  type SharedUsage,
} from '@provability-fabric/storage';

export interface DatabaseUsage extends Usage {
  /** What is wrong right now, for /health. */
  health(): readonly string[];
  close(): Promise<void>;
}

interface Opened {
  readonly database: OwnedDatabase;
  readonly usage: SharedUsage;
}

/** Reservations of one count wait for each other, each with a connection: those of the ledger are not for that. */
const CONNECTIONS = 4;

/** Counts of all fabrics on one database. Connects with the first reservation: without shared limits there is none. */
export function databaseUsage(url: string): DatabaseUsage {
  let opening: Promise<Opened> | undefined;
  let current: Opened | undefined;
  let isClosed = false;
  const opened = () => {
    if (isClosed) throw new Error('expected shared usage that is open');
    opening ??= connect(url).then(
      (open) => {
        current = open;
        return open;
      },
      (error: unknown) => {
        opening = undefined;
        throw error;
      },
    );
    return opening;
  };
  return {
    reserve: async (request) => (await opened()).usage.reserve(request),
    health: () => current?.database.health() ?? [],
    async close() {
      isClosed = true;
      await opening?.catch(() => undefined);
      await current?.usage.close();
      await current?.database.close();
    },
  };
}

async function connect(url: string): Promise<Opened> {
  const database = await openDatabase({ url, connections: CONNECTIONS });
  return { database, usage: openSharedUsage({ database }) };
}
