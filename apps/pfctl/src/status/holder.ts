import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Who uses a data folder, as its `lock` file says. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

/** The fabric that runs on the folder; undefined where there is none, or only the file of one that was killed. */
export async function holderOf(dataFolder: string): Promise<Holder | undefined> {
  const text = await readFile(join(dataFolder, 'lock'), 'utf8').catch(() => '');
  const holder = parseHolder(text);
  if (holder === undefined) return undefined;
  // Of another host nothing can be known, so its word is taken.
  return holder.host !== hostname() || isAlive(holder.pid) ? holder : undefined;
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, host, started_at: since } = JSON.parse(text) as Record<string, unknown>;
    if (!Number.isSafeInteger(pid) || (pid as number) < 1) return undefined;
    return typeof host === 'string' && typeof since === 'string'
      ? { pid: pid as number, host, since }
      : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
