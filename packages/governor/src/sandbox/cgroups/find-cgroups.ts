import { access, constants, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CgroupKind,
  type CgroupPlace,
  CPU_PERIOD_US,
  makeCgroup,
  pidsMax,
  removeLeftovers,
} from './cgroup.ts';
import { type Hierarchy, ownHierarchies } from './mounts.ts';

export type FoundCgroups =
  | { readonly kind: 'found'; readonly cgroups: CgroupKind }
  | { readonly kind: 'missing'; readonly why: string };

const TRIAL = { memoryBytes: 64 * 1024 * 1024, pids: 16, cpus: 1 };

/** Version 2: one folder whose children get the memory, pids and cpu controllers. */
export function versionTwo(parent: string): CgroupKind {
  const place: CgroupPlace = {
    parent,
    settings: ({ memoryBytes, cpus, ...rest }) => [
      { file: 'memory.max', value: String(memoryBytes) },
      { file: 'memory.swap.max', value: '0' },
      // One process of many killed for memory leaves tests that wait for it for ever.
      { file: 'memory.oom.group', value: '1' },
      { file: 'pids.max', value: pidsMax({ memoryBytes, cpus, ...rest }) },
      { file: 'cpu.max', value: `${Math.round(cpus * CPU_PERIOD_US)} ${CPU_PERIOD_US}` },
    ],
  };
  return { version: 2, places: [place] };
}

/** Version 1: one folder per controller. Memory and swap together are bounded where the kernel counts swap. */
export function versionOne(
  folders: { memory: string; pids: string; cpu: string },
  countsSwap: boolean,
): CgroupKind {
  return {
    version: 1,
    places: [
      {
        parent: folders.memory,
        settings: ({ memoryBytes }) => [
          { file: 'memory.limit_in_bytes', value: String(memoryBytes) },
          ...(countsSwap ? [{ file: 'memory.memsw.limit_in_bytes', value: String(memoryBytes) }] : []),
        ],
      },
      { parent: folders.pids, settings: (limits) => [{ file: 'pids.max', value: pidsMax(limits) }] },
      {
        parent: folders.cpu,
        settings: ({ cpus }) => [
          { file: 'cpu.cfs_period_us', value: String(CPU_PERIOD_US) },
          { file: 'cpu.cfs_quota_us', value: String(Math.round(cpus * CPU_PERIOD_US)) },
        ],
      },
    ],
  };
}

async function readable(path: string): Promise<boolean> {
  return await access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

async function tryVersionTwo(parent: string): Promise<CgroupKind | undefined> {
  const words = async (file: string) => (await readFile(join(parent, file), 'utf8')).split(/\s+/);
  const wanted = ['memory', 'pids', 'cpu'];
  const offered = await words('cgroup.controllers').catch((): string[] => []);
  if (!wanted.every((name) => offered.includes(name))) return undefined;
  const enabled = await words('cgroup.subtree_control');
  // Only a group without processes of its own (or the root) can pass controllers on; elsewhere the kernel says EBUSY.
  if (!wanted.every((name) => enabled.includes(name))) {
    await writeFile(join(parent, 'cgroup.subtree_control'), wanted.map((name) => `+${name}`).join(' '));
  }
  return versionTwo(parent);
}

async function tryVersionOne(mounted: readonly Hierarchy[]): Promise<CgroupKind | undefined> {
  const own = (controller: string) =>
    mounted.find(({ version, controllers }) => version === 1 && controllers.includes(controller))?.own;
  const [memory, pids, cpu] = [own('memory'), own('pids'), own('cpu')];
  if (memory === undefined || pids === undefined || cpu === undefined) return undefined;
  return versionOne({ memory, pids, cpu }, await readable(join(memory, 'memory.memsw.limit_in_bytes')));
}

/** Finds out by making a group; `given` is a folder of version 2 that was delegated to the governor. */
export async function findCgroups(given: string | undefined): Promise<FoundCgroups> {
  const mounted = await ownHierarchies();
  const ownTwo = mounted.find(({ version }) => version === 2)?.own;
  const attempts: (() => Promise<CgroupKind | undefined>)[] =
    given === undefined
      ? [
          async () => (ownTwo === undefined ? undefined : await tryVersionTwo(ownTwo)),
          () => tryVersionOne(mounted),
        ]
      : [() => tryVersionTwo(given)];
  let refused = 'no hierarchy with the memory, pids and cpu controllers is mounted here';
  for (const attempt of attempts) {
    try {
      const cgroups = await attempt();
      if (cgroups === undefined) continue;
      await removeLeftovers(cgroups);
      const trial = await makeCgroup(cgroups, TRIAL, 0);
      await trial.remove();
      return { kind: 'found', cgroups };
    } catch (error) {
      refused = `making one was refused (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
    }
  }
  return {
    kind: 'missing',
    why:
      `no cgroup for the limits on all of a run together: ${refused}. Give the governor a delegated cgroup v2 folder with ` +
      'memory, pids and cpu in its cgroup.subtree_control and no process in it (systemd: `Delegate=yes`), or run it as root',
  };
}
