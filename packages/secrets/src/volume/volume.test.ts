import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AtomicWriter } from './atomic-writer.fixture.ts';
import { readVolume } from './read-volume.ts';
import { RELOAD_KEYS, type VolumeEvent } from './volume-event.ts';
import { type VolumeWatch, type VolumeWatchOptions, watchVolume } from './watch-volume.ts';

const CANARY = 'c4nary-of-the-volume';
/** What the runbook expects in /mnt/secrets. */
const FILES = {
  'database-username': 'app',
  'database-password': CANARY,
  'together-api-key': 'k',
  'jwt-secret': 'j',
  'supabase-url': 'u',
  'supabase-service-key': 's',
};

let folder: string;
let root: string;
let writer: AtomicWriter;
let events: VolumeEvent[];
let gauge: number[];
const watches: VolumeWatch[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'volume-'));
  root = join(folder, 'secrets');
  await mkdir(root);
  writer = new AtomicWriter(root);
  events = [];
  gauge = [];
});
afterEach(async () => {
  await Promise.all(watches.splice(0).map((watch) => watch.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function start(more: Partial<VolumeWatchOptions> = {}): Promise<VolumeWatch> {
  const watch = await watchVolume({
    path: root,
    emit: (event) => events.push(event),
    onWatched: (count) => gauge.push(count),
    now: () => 7,
    ...more,
  });
  watches.push(watch);
  return watch;
}

const ofType = (type: VolumeEvent['type']) => events.filter((event) => event.type === type);
const changedKeys = () => ofType('secret-changed').map((event) => 'secretKey' in event && event.secretKey);

describe('a volume is read', () => {
  const problemOf = async (limits?: { maxFiles: number; maxBytes: number }) => {
    const read = await readVolume(root, limits);
    return read.ok ? `read ${read.view.files.size}` : `${read.problem.kind} ${read.problem.path}`;
  };

  it('not through links that lead out of it, wherever they are', async () => {
    await writeFile(join(folder, 'outside'), CANARY);
    await mkdir(join(folder, 'other'));
    await writer.write({ a: '1', 'sub/b': '2' });
    await symlink('../../outside', join(root, writer.generation, 'x'));
    expect(await problemOf()).toBe('link x');
    await unlink(join(root, writer.generation, 'x'));
    await rm(join(root, writer.generation, 'sub'), { recursive: true });
    await symlink('../../other', join(root, writer.generation, 'sub'));
    expect(await problemOf()).toBe('link sub');
  });

  it.each(['../other', '/etc', '.', '..', 'other', '..x/../..', ''])(
    'not where `..data` points at %j',
    async (target) => {
      await mkdir(join(root, 'other'));
      if (target === '') await writeFile(join(root, '..data'), 'no link');
      else await symlink(target, join(root, '..data'));
      expect(await problemOf()).toBe('link ..data');
    },
  );

  it('not beyond its bounds, and never waits for a pipe', async () => {
    await writer.write({ a: 'x'.repeat(10), b: 'x'.repeat(10) });
    expect(await problemOf({ maxFiles: 2, maxBytes: 20 })).toBe('read 2');
    expect(await problemOf({ maxFiles: 1, maxBytes: 20 })).toBe('too-large b');
    expect(await problemOf({ maxFiles: 2, maxBytes: 19 })).toBe('too-large b');
    await writer.write({ a: '1', [`${'d/'.repeat(12)}e`]: '1' });
    expect(await problemOf()).toMatch(/^too-large d\/d/);
    await writer.write({ a: '1' });
    execFileSync('mkfifo', [join(root, writer.generation, 'pipe')]);
    expect(await problemOf()).toBe('not-a-file pipe');
  });

  it('not where there is none', async () => {
    await rm(root, { recursive: true });
    expect(await problemOf()).toBe('missing ');
    await writeFile(root, '');
    expect(await problemOf()).toBe('not-a-file ');
  });

  it('as of one moment, however often it is swapped meanwhile', async () => {
    const generationOf = (value: number) =>
      Object.fromEntries(['a', 'b', 'c', 'd/e'].map((key) => [key, `${value}`]));
    await writer.write(generationOf(0));
    let writing = true;
    const swaps = (async () => {
      for (let value = 1; writing; value++) await writer.write(generationOf(value));
    })();
    const seen = new Set<string>();
    for (let reads = 0; reads < 150; reads++) {
      const read = await readVolume(root);
      if (!read.ok) {
        expect(read.problem.kind).toBe('unsteady');
        continue;
      }
      const values = new Set([...read.view.files.values()].map(String));
      expect(values.size).toBe(1);
      expect(read.view.files.size).toBe(4);
      for (const value of values) seen.add(value);
    }
    writing = false;
    await swaps;
    expect(seen.size).toBeGreaterThan(1);
  });
});

describe('a watch', () => {
  it('tells of a swap of `..data` within a second, by what has changed, and never what it is', async () => {
    await writer.write(FILES);
    await start();
    const swappedAt = performance.now();
    await writer.write({
      ...FILES,
      'database-password': `${CANARY}-2`,
      'jwt-secret': 'j2',
      'together-api-key': 'k2',
    });
    await expect.poll(() => ofType('reload-required').length, { interval: 5, timeout: 2_000 }).toBe(1);
    expect(performance.now() - swappedAt).toBeLessThan(1_000);
    expect(events).toEqual([
      { type: 'started', watched: 6, timestamp: 7 },
      { type: 'secret-changed', secretKey: 'database-password', timestamp: 7 },
      { type: 'secret-changed', secretKey: 'jwt-secret', timestamp: 7 },
      { type: 'secret-changed', secretKey: 'together-api-key', timestamp: 7 },
      { type: 'reload-required', secretKeys: ['database-password', 'jwt-secret'], timestamp: 7 },
    ]);
    expect(JSON.stringify(events)).not.toContain(CANARY);
  });

  it('asks for a reload for every name under which manifests mount what is read once', async () => {
    const filesOf = (content: string) =>
      Object.fromEntries([...RELOAD_KEYS, 'slack-webhook'].map((key) => [key, content]));
    await writer.write(filesOf('1'));
    await start();
    await writer.write(filesOf('2'));
    await expect.poll(() => ofType('reload-required').length).toBe(1);
    expect(changedKeys()).toHaveLength(RELOAD_KEYS.length + 1);
    expect(ofType('reload-required')).toMatchObject([{ secretKeys: [...RELOAD_KEYS].sort() }]);
    for (const key of [
      'database-password',
      'db-password',
      'database-url',
      'jwt-secret',
      'supabase-service-key',
    ])
      expect(RELOAD_KEYS).toContain(key);
  });

  it('tells of files that come and go, and of nothing when a swap changes nothing', async () => {
    await writer.write({ a: '1', b: '1' });
    await start({ debounceMs: 10 });
    await writer.write({ a: '1', b: '1' });
    await writer.write({ a: '1', 'c/d': '1' });
    await expect
      .poll(() => events.map(({ type }) => type))
      .toEqual(['started', 'secret-changed', 'secret-deleted']);
    expect(changedKeys()).toEqual(['c/d']);
    expect(gauge.at(-1)).toBe(2);
  });

  it('tells of many swaps at the beginning and at the end, not each', async () => {
    await writer.write({ a: '0' });
    const watch = await start({ debounceMs: 150 });
    for (let value = 1; value <= 20; value++) await writer.write({ a: `${value}` });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(ofType('secret-changed').length).toBeGreaterThanOrEqual(1);
    expect(ofType('secret-changed').length).toBeLessThanOrEqual(4);
    const read = await watch.read();
    expect(read.ok && read.view.files.get('a')?.toString()).toBe('20');
  });

  it('sees by polling what nothing notifies of: a folder that comes late, and one that is replaced', async () => {
    await rm(root, { recursive: true });
    await start({ pollIntervalMs: 30, debounceMs: 10 });
    expect(events).toEqual([
      { type: 'error', problem: { kind: 'missing', path: '' }, timestamp: 7 },
      { type: 'started', watched: 0, timestamp: 7 },
    ]);
    await mkdir(root);
    await writer.write({ a: '1' });
    await expect.poll(() => gauge.at(-1)).toBe(1);
    const next = join(folder, 'next');
    await mkdir(next);
    await new AtomicWriter(next).write({ a: '2' });
    await rename(root, join(folder, 'old'));
    await rename(next, root);
    await expect.poll(changedKeys).toEqual(['a', 'a']);
  });

  it('takes a volume that has gone for a fault, not for secrets that were deleted, and says so once', async () => {
    await writer.write(FILES);
    await start({ pollIntervalMs: 20, healthCheckIntervalMs: 50 });
    await expect.poll(() => ofType('health-check-success').length).toBeGreaterThan(0);
    await rename(root, join(folder, 'away'));
    await expect.poll(() => ofType('health-check-failed').length).toBeGreaterThan(1);
    expect(ofType('error')).toEqual([
      { type: 'error', problem: { kind: 'missing', path: '' }, timestamp: 7 },
    ]);
    expect(ofType('secret-deleted')).toEqual([]);
    expect(gauge.at(-1)).toBe(0);
    const before = ofType('health-check-success').length;
    await rename(join(folder, 'away'), root);
    await expect.poll(() => ofType('health-check-success').length).toBeGreaterThan(before);
    expect(ofType('secret-changed')).toEqual([]);
  });

  it('sees a file that is written in place in a plain folder, once it is whole', async () => {
    await writeFile(join(root, 'database-password'), '1');
    await start({ debounceMs: 50 });
    for (const part of ['h', 'ha', 'half', 'whole']) await writeFile(join(root, 'database-password'), part);
    await expect.poll(() => ofType('reload-required').length).toBe(1);
    expect(changedKeys()).toEqual(['database-password']);
  });

  it('stops once, and tells nothing afterwards', async () => {
    await writer.write({ a: '1' });
    const watch = await start({ pollIntervalMs: 10 });
    await Promise.all([watch.stop(), watch.stop()]);
    await writer.write({ a: '2' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(events.map(({ type }) => type)).toEqual(['started', 'stopped']);
  });
});
