import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeCgroup } from './cgroup.ts';
import { versionOne, versionTwo } from './find-cgroups.ts';
import { hierarchies } from './mounts.ts';

const LIMITS = { memoryBytes: 1000, pids: 10, cpus: 1.5 };

/** A plain folder takes the files that a group would, but is not removed while they are there. */
async function written(
  make: (folder: string) => Parameters<typeof makeCgroup>[0],
): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'pf-group-'));
  for (const name of ['memory', 'pids', 'cpu']) mkdirSync(join(folder, name));
  await makeCgroup(make(folder), LIMITS, 1);
  const files: Record<string, string> = {};
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const name = path.split('/').at(-1) ?? '';
    if (name.includes('.')) files[name] = readFileSync(join(folder, path), 'utf8');
  }
  rmSync(folder, { recursive: true });
  return files;
}

it('version 2 bounds memory without swap, kills all of a run together, and counts its own two processes extra', async () => {
  expect(await written((folder) => versionTwo(folder))).toEqual({
    'memory.max': '1000',
    'memory.swap.max': '0',
    'memory.oom.group': '1',
    'pids.max': '12',
    'cpu.max': '150000 100000',
  });
});

it('version 1 does so in three hierarchies, with swap where the kernel counts it', async () => {
  const folders = (folder: string) => ({
    memory: join(folder, 'memory'),
    pids: join(folder, 'pids'),
    cpu: join(folder, 'cpu'),
  });
  const common = {
    'memory.limit_in_bytes': '1000',
    'pids.max': '12',
    'cpu.cfs_period_us': '100000',
    'cpu.cfs_quota_us': '150000',
  };
  expect(await written((folder) => versionOne(folders(folder), false))).toEqual(common);
  const withSwap = { ...common, 'memory.memsw.limit_in_bytes': '1000' };
  expect(await written((folder) => versionOne(folders(folder), true))).toEqual(withSwap);
});

it('a group that cannot be given its limits is not left behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pf-group-'));
  const place = { parent: folder, settings: () => [{ file: 'absent/limit', value: '1' }] };
  await expect(makeCgroup({ version: 2, places: [place] }, LIMITS, 1)).rejects.toMatchObject({
    code: 'ENOENT',
  });
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
  expect(existsSync(folder)).toBe(false);
});

it('finds the own folder in every hierarchy, also in a container that sees a part of it', () => {
  const mounts = [
    '30 20 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw',
    '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
    '33 31 0:30 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    '34 31 0:31 /other /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids',
    '35 31 0:32 / /sys rw - sysfs sysfs rw',
  ].join('\n');
  const membership =
    '4:memory:/docker/abc/x\n3:cpu,cpuacct:/a:b\n2:pids:/elsewhere\n0::/user.slice/pf.service\n';
  expect(hierarchies(mounts, membership).map(({ version, own }) => [version, own])).toEqual([
    [2, '/sys/fs/cgroup/user.slice/pf.service'],
    [1, '/sys/fs/cgroup/cpu,cpuacct/a:b'],
    [1, '/sys/fs/cgroup/memory/x'],
    [1, '/sys/fs/cgroup/pids'],
  ]);
});
