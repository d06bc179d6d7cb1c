// Starts PostgreSQL in a folder and waits to be killed.
import { startEmbeddedPostgres } from '../embedded/embedded-postgres.ts';

const [directory = ''] = process.argv.slice(2);
await startEmbeddedPostgres({ directory, emit: () => undefined });
process.stdout.write('started\n');
setInterval(() => undefined, 60_000);
