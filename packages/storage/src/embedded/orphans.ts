// What a killed fabric left running. The data folder is locked by this process, so whatever PostgreSQL still
// runs on it belongs to nobody. It is stopped and not adopted: only a child tells when it ends.
import { readdir, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LedgerError } from '../errors.ts';

const LOOK_EVERY_MS = 20;
const POLITE_MS = 15_000;
const KILLED_MS = 5_000;

/** How many processes were found. Where there is no /proc, PostgreSQL's own lock file has to do. */
export async function stopOrphans(data: string, sockets: string): Promise<number> {
  const found = await serversOn(data);
  if (found === undefined) return 0;
  // SIGINT ends sessions and syncs; who was stopped has to go on first.
  if (found.length > 0) await end(data, ['SIGCONT', 'SIGINT'], POLITE_MS);
  await end(data, ['SIGKILL'], KILLED_MS);
  if ((await serversOn(data))?.length !== 0) {
    throw new LedgerError(
      'POSTGRES_FAILED',
      `expected to be the only one to use \`${data}\`, but another PostgreSQL runs on it and does not end; end it`,
    );
  }
  // Nobody is there, so these are stale, even if their process number is by now another program's.
  await rm(join(data, 'postmaster.pid'), { force: true });
  for (const name of ['.s.PGSQL.5432', '.s.PGSQL.5432.lock']) await rm(join(sockets, name), { force: true });
  return found.length;
}

async function end(data: string, signals: readonly NodeJS.Signals[], timeoutMs: number): Promise<void> {
  const before = performance.now();
  for (let first = true; performance.now() - before < timeoutMs; first = false) {
    const pids = (await serversOn(data)) ?? [];
    if (pids.length === 0) return;
    if (first) for (const signal of signals) for (const pid of pids) send(pid, signal);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** PostgreSQL's processes all work in its data folder. */
async function serversOn(data: string): Promise<readonly number[] | undefined> {
  const names = await readdir('/proc').catch(() => undefined);
  if (names === undefined) return undefined;
  const pids = names.filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      if (cwd !== data) return [];
      const program = await readlink(`/proc/${pid}/exe`).catch(() => '');
      return /\/postgres( \(deleted\))?$/.test(program) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
