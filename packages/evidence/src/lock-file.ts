// The file `lock`: who uses a data folder. Beside the socket it only informs; where there are no abstract
// sockets it is the lock, taken over when the process that it names is gone.
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { hasSystemCode } from './errors.ts';

export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly started_at: string;
}

/** Anything that is not a holder, an empty or foreign file included, is undefined. */
export function parseHolder(text: string): LockHolder | undefined {
  try {
    const { pid, host, started_at }: Partial<LockHolder> = JSON.parse(text);
    const wellFormed =
      Number.isSafeInteger(pid) && typeof host === 'string' && typeof started_at === 'string';
    return wellFormed ? { pid: pid as number, host, started_at } : undefined;
  } catch {
    return undefined;
  }
}

export async function readLockFile(path: string): Promise<LockHolder | undefined> {
  return parseHolder(await readFile(path, 'utf8').catch(() => ''));
}

export async function writeLockFile(path: string, holder: LockHolder): Promise<void> {
  const temporary = `${path}.${holder.pid}`;
  await writeFile(temporary, format(holder));
  await rename(temporary, path);
}

/** Removes the file, if it is still this holder's. */
export async function releaseLockFile(path: string, holder: LockHolder): Promise<void> {
  if (!same(await readLockFile(path), holder)) return;
  await removeIfThere(path);
}

/** Takes the lock; answers who has it where that process may be alive. */
export async function claimLockFile(path: string, holder: LockHolder): Promise<LockHolder | undefined> {
  const temporary = `${path}.${holder.pid}`;
  await writeFile(temporary, format(holder));
  try {
    for (;;) {
      // Linking makes the lock appear with its content: nobody ever reads half a holder.
      const taken = await linkNew(temporary, path);
      if (taken) return undefined;
      const text = await readFile(path, 'utf8').catch(() => '');
      const other = parseHolder(text);
      if (other !== undefined && mayBeAlive(other)) return other;
      await discard(path, text, `${temporary}.stale`);
    }
  } finally {
    await removeIfThere(temporary);
  }
}

/** Moves a dead holder's file away, unless somebody took the lock since it was read. */
async function discard(path: string, expected: string, aside: string): Promise<void> {
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return; // another starter was faster
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== expected) await linkNew(aside, path);
  await removeIfThere(aside);
}

async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasSystemCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Of another host nothing can be known, so it counts as alive. */
function mayBeAlive({ pid, host }: LockHolder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasSystemCode(error, 'ESRCH');
  }
}

async function removeIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!hasSystemCode(error, 'ENOENT')) throw error;
  });
}

function same(a: LockHolder | undefined, b: LockHolder): boolean {
  return a !== undefined && format(a) === format(b);
}

function format({ pid, host, started_at }: LockHolder): string {
  return `${JSON.stringify({ pid, host, started_at })}\n`;
}
