// The PostgreSQL of a data folder, from outside: its processes all work in its folder.
import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface PostgresProcesses {
  readonly postmaster: number | undefined;
  /** Those that serve a connection. */
  readonly backends: readonly number[];
  readonly all: readonly number[];
}

/** `directory` is what holds `data/`. */
export async function postgresIn(directory: string): Promise<PostgresProcesses> {
  const data = realpathOf(join(directory, 'data'));
  const all: number[] = [];
  const backends: number[] = [];
  let postmaster: number | undefined;
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || data === undefined) continue;
    try {
      if (readlinkSync(`/proc/${name}/cwd`) !== data) continue;
      if (!/\/postgres( \(deleted\))?$/.test(readlinkSync(`/proc/${name}/exe`))) continue;
      const title = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      all.push(Number(name));
      if (!title.startsWith('postgres:')) postmaster = Number(name);
      else if (title.includes('[local]')) backends.push(Number(name));
    } catch {
      // It has ended meanwhile.
    }
  }
  return { postmaster, backends, all };
}

export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended meanwhile.
    }
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Ends whatever a killed fabric left running. */
export async function endPostgresIn(directory: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { all } = await postgresIn(directory);
    if (all.length === 0) return;
    signal(all, 'SIGCONT');
    signal(all, 'SIGKILL');
    await sleep(20);
  }
}

function realpathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
