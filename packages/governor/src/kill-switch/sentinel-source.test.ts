import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeKillSourceContract } from '@provability-fabric/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KillOrder } from './kill-switch.ts';
import { sentinelSource } from './sentinel-source.ts';

const ORDER: KillOrder = { reason: 'an agent runs wild', by: 'alice', at: 1_800_000_000_000 };
const newFolder = () => mkdtempSync(join(tmpdir(), 'sentinel-'));

describeKillSourceContract('a file', async () => {
  const folder = newFolder();
  const path = join(folder, 'KILL_SWITCH');
  return {
    one: sentinelSource(path),
    another: sentinelSource(path),
    close: async () => rmSync(folder, { recursive: true }),
  };
});

describe('the sentinel', () => {
  let folder: string;
  let path: string;
  let told: (KillOrder | null | undefined)[];
  let watch: { close(): Promise<void> };
  beforeEach(async () => {
    folder = newFolder();
    path = join(folder, 'KILL_SWITCH');
    told = [];
  });
  afterEach(async () => {
    await watch.close();
    chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true, force: true });
  });
  const start = async () => {
    watch = await sentinelSource(path).watch((state) => told.push(state));
  };
  const stopped = { reason: expect.any(String), by: 'unknown', at: 0 };

  it.each<[string, () => void]>([
    ['an empty file', () => writeFileSync(path, '')],
    ['a file of anything', () => writeFileSync(path, Buffer.alloc(1_000_000, 0xff))],
    ['a folder', () => mkdirSync(path)],
    ['a link that leads nowhere', () => symlinkSync('/nowhere', path)],
    ['a link to a file with other words', () => symlinkSync('/etc/hostname', path)],
    ['a pipe that nobody writes to', () => execFileSync('mkfifo', [path])],
  ])('%s at its path stops the governor within a second', async (_, put) => {
    await start();
    expect(told).toEqual([null]);
    put();
    await expect.poll(() => told.at(-1), { timeout: 1_000, interval: 5 }).toEqual(stopped);
  });

  it('stops it, too, when its folder is no longer there', async () => {
    await start();
    renameSync(folder, `${folder}-gone`);
    await expect.poll(() => told.at(-1), { timeout: 1_500, interval: 5 }).toBeUndefined();
    renameSync(`${folder}-gone`, folder);
    await expect.poll(() => told.at(-1), { timeout: 1_000, interval: 5 }).toBeNull();
  });

  it('shows who stopped it, when and why to whoever prints the file, and leaves no other behind', async () => {
    await start();
    await sentinelSource(path).set?.(ORDER);
    expect(readFileSync(path, 'utf8')).toBe(
      'SAFE-AI GOVERNOR KILL SWITCH ACTIVATED\nReason: an agent runs wild\n' +
        'Activated at: 2027-01-15T08:00:00.000Z\nBy: alice\n',
    );
    expect(readdirSync(folder)).toEqual(['KILL_SWITCH']);
  });

  it('counts a folder in its place as set, and takes an empty one back; a full one is left, and said', async () => {
    await start();
    mkdirSync(path);
    await sentinelSource(path).set?.(ORDER);
    await sentinelSource(path).set?.(null);
    expect(readdirSync(folder)).toEqual([]);
    mkdirSync(join(path, 'sub'), { recursive: true });
    await expect(sentinelSource(path).set?.(null)).rejects.toMatchObject({ code: 'ENOTEMPTY' });
  });
});
