import { startEmbeddedPostgres } from '@provability-fabric/storage';
import { endPostgresIn } from './postgres-processes.ts';

export interface DatabaseServer {
  /** What holds `data/`. */
  readonly directory: string;
  readonly url: string;
  stop(): Promise<void>;
}

/** A PostgreSQL that no fabric runs, as an operator gives one with DATABASE_URL. */
export async function startServer(directory: string): Promise<DatabaseServer> {
  const server = await startEmbeddedPostgres({ directory, emit: () => undefined });
  return {
    directory,
    url: server.url,
    async stop() {
      await server.stop().catch(() => undefined);
      await endPostgresIn(directory);
    },
  };
}
