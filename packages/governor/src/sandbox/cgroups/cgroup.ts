import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { GovernorError } from '../../errors.ts';
import { isLeftover, ownPrefix } from '../process-identity.ts';
import type { SandboxLimits } from '../sandbox.ts';

export type CgroupLimits = Pick<SandboxLimits, 'memoryBytes' | 'pids' | 'cpus'>;

/** Where groups are made, and what is written into each before anything is in it. */
export interface CgroupPlace {
  readonly parent: string;
  settings(limits: CgroupLimits): readonly { readonly file: string; readonly value: string }[];
}

export interface CgroupKind {
  readonly version: 1 | 2;
  /** One for version 2, one per controller for version 1. */
  readonly places: readonly CgroupPlace[];
}

/** Holds everything that a run starts. */
export interface Cgroup {
  /** Writing `0` into each puts the writer and all that it starts into the group. */
  readonly entrances: readonly string[];
  outOfMemory(): Promise<boolean>;
  /** Kills what is in it; resolves when there is nothing left. */
  remove(): Promise<void>;
}

/** bwrap's own process outside, and the shell inside. */
const OWN_PROCESSES = 2;
export const CPU_PERIOD_US = 100_000;
const EMPTY_WITHIN_MS = 10_000;

/** For pids.max: the limit is on the commands' own processes. */
export function pidsMax(limits: CgroupLimits): string {
  return String(limits.pids + OWN_PROCESSES);
}

export async function makeCgroup(kind: CgroupKind, limits: CgroupLimits, serial: number): Promise<Cgroup> {
  const name = `${await ownPrefix()}${serial}`;
  const folders = kind.places.map(({ parent }) => join(parent, name));
  const remove = async () => {
    for (const folder of folders) await removeGroup(folder);
  };
  try {
    for (const [index, place] of kind.places.entries()) {
      const folder = folders[index] ?? '';
      await mkdir(folder);
      for (const { file, value } of place.settings(limits)) await writeFile(join(folder, file), value);
    }
  } catch (cause) {
    await remove();
    throw cause;
  }
  return {
    entrances: folders.map((folder) => join(folder, 'cgroup.procs')),
    outOfMemory: async () => (await Promise.all(folders.map(killedForMemory))).includes(true),
    remove,
  };
}

async function killedForMemory(folder: string): Promise<boolean> {
  for (const file of ['memory.events', 'memory.oom_control']) {
    const text = await readFile(join(folder, file), 'utf8').catch(() => '');
    if (Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) > 0) return true;
  }
  return false;
}

/** A fork bomb makes processes while it is being killed, so this goes on until the folder can be removed. */
async function removeGroup(folder: string): Promise<void> {
  for (let waited = 0; ; waited += 2) {
    try {
      await rmdir(folder);
      return;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || waited > EMPTY_WITHIN_MS) {
        throw new GovernorError('SANDBOX_UNAVAILABLE', 'a sandbox could not be ended: its processes stay', {
          cause,
        });
      }
    }
    await killAll(folder);
    await pause(2);
  }
}

async function killAll(folder: string): Promise<void> {
  try {
    await writeFile(join(folder, 'cgroup.kill'), '1', { flag: 'r+' });
    return;
  } catch {
    // Version 1, or a kernel before 5.14.
  }
  const pids = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  for (const pid of pids.split('\n').map(Number)) {
    try {
      if (pid > 1) process.kill(pid, 'SIGKILL');
    } catch {
      // Gone meanwhile.
    }
  }
}

/** What killed governors left, with all that still runs in it. */
export async function removeLeftovers(kind: CgroupKind): Promise<void> {
  for (const { parent } of kind.places) {
    for (const name of await readdir(parent)) {
      if (await isLeftover(name)) await removeGroup(join(parent, name));
    }
  }
}
