import { randomBytes } from 'node:crypto';
import { placeOf } from '@provability-fabric/testkit';
import { describe, expect, it } from 'vitest';
import type { StoredSecret } from '../provider.ts';
import { EntrySealer } from './sealed-entries.ts';
import { SecretCache, type SecretCacheOptions } from './secret-cache.ts';

function stored(version: number, text: string, state: 'current' | 'previous' = 'current'): StoredSecret {
  return {
    value: { v: text },
    version: {
      version,
      id: `v180000000000${version % 10}-abcdef`,
      createdAt: version,
      createdBy: 'alice',
      description: '',
      state,
    },
    metadata: { sensitivity: 'high', tags: {}, maxVersions: 10, casRequired: false },
  };
}

function openCache(part: Partial<SecretCacheOptions> = {}) {
  const world = { now: 1000, hearing: true };
  const cache = new SecretCache({
    ttlMs: 300_000,
    maxBytes: 1_000_000,
    hearing: () => world.hearing,
    deafMs: 1000,
    doubtMs: 30_000,
    clock: () => world.now,
    random: randomBytes,
    ...part,
  });
  return { cache, world };
}

const never = () => Promise.reject(new Error('the provider was asked'));

describe('the cache', () => {
  it('still answers the newest as current after an older version was read', async () => {
    const { cache } = openCache();
    const place = placeOf();
    await cache.read(place, 1, async () => stored(1, 'one', 'previous'));
    expect((await cache.read(place, 'current', async () => stored(3, 'three'))).secret.value).toEqual({
      v: 'three',
    });
    await cache.read(place, 2, async () => stored(2, 'two', 'previous'));
    for (const [reference, text] of [
      ['current', 'three'],
      [3, 'three'],
      [1, 'one'],
      ['v1800000000002-abcdef', 'two'],
    ] as const) {
      const { secret, cached } = await cache.read(place, reference, never);
      expect([secret.value.v, cached]).toEqual([text, true]);
    }
  });

  it('does not answer a version for another, a name for another, or a tenant for another', async () => {
    const { cache } = openCache();
    const place = placeOf();
    await cache.read(place, 'current', async () => stored(1, 'one'));
    for (const other of [placeOf(place.name), placeOf('other', place.tenant)])
      await expect(cache.read(other, 'current', never)).rejects.toThrow('was asked');
    await expect(cache.read(place, 2, never)).rejects.toThrow('was asked');
  });

  it('binds each entry to tenant, name and version', () => {
    const sealer = new EntrySealer(randomBytes);
    const place = placeOf();
    const entry = sealer.seal(place, stored(1, 'canary'), 0);
    expect(Buffer.from(entry.bytes).toString('latin1')).not.toContain('canary');
    expect(sealer.open(place, entry).value).toEqual({ v: 'canary' });
    for (const wrong of [
      () => sealer.open(placeOf('other', place.tenant), entry),
      () => sealer.open(placeOf(place.name), entry),
      () => sealer.open(place, { ...entry, version: 2 }),
      () => new EntrySealer(randomBytes).open(place, entry),
    ])
      expect(wrong).toThrow(expect.objectContaining({ code: 'PROVIDER_INCONSISTENT' }));
  });

  it('keeps nothing of a read that began before the secret changed', async () => {
    const { cache } = openCache();
    const place = placeOf();
    let answer: (secret: StoredSecret) => void = () => undefined;
    const slow = cache.read(
      place,
      'current',
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    cache.invalidate(place);
    const fresh = cache.read(place, 'current', async () => stored(2, 'new'));
    expect((await fresh).secret.value.v).toBe('new');
    answer(stored(1, 'old'));
    expect((await slow).secret.value.v).toBe('old');
    expect((await cache.read(place, 'current', never)).secret.value.v).toBe('new');
  });

  it('keeps nothing of what was under way when all of it was to be forgotten', async () => {
    const { cache } = openCache();
    const place = placeOf();
    let answer: (secret: StoredSecret) => void = () => undefined;
    const slow = cache.read(
      place,
      'current',
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    cache.clear();
    answer(stored(1, 'old'));
    await slow;
    await expect(cache.read(place, 'current', never)).rejects.toThrow('was asked');
  });

  it('asks once for many that ask at the same time', async () => {
    const { cache } = openCache();
    const place = placeOf();
    let loads = 0;
    const load = async () => {
      loads += 1;
      return stored(1, 'one');
    };
    await Promise.all(Array.from({ length: 50 }, () => cache.read(place, 'current', load)));
    expect(loads).toBe(1);
  });

  it('keeps no failure', async () => {
    const { cache } = openCache();
    const place = placeOf();
    await expect(cache.read(place, 'current', async () => Promise.reject(new Error('down')))).rejects.toThrow(
      'down',
    );
    expect((await cache.read(place, 'current', async () => stored(1, 'one'))).cached).toBe(false);
  });

  it('forgets after its time, and a clock that jumps back makes nothing young', async () => {
    const { cache, world } = openCache({ ttlMs: 100 });
    const place = placeOf();
    await cache.read(place, 'current', async () => stored(1, 'one'));
    world.now += 99;
    expect((await cache.read(place, 'current', never)).cached).toBe(true);
    world.now += 1;
    await expect(cache.read(place, 'current', never)).rejects.toThrow('was asked');
    await cache.read(place, 'current', async () => stored(1, 'one'));
    world.now -= 50;
    await expect(cache.read(place, 'current', never)).rejects.toThrow('was asked');
  });

  it('answers nothing older than the bound while changes elsewhere are not heard of', async () => {
    const { cache, world } = openCache();
    const place = placeOf();
    await cache.read(place, 'current', async () => stored(1, 'one'));
    world.hearing = false;
    world.now += 999;
    expect((await cache.read(place, 'current', never)).cached).toBe(true);
    world.now += 1;
    await expect(cache.read(place, 'current', never)).rejects.toThrow('was asked');
    await expect(cache.read(place, 1, never)).rejects.toThrow('was asked');
  });

  it('keeps nothing for a while of a secret whose change may yet happen', async () => {
    const { cache, world } = openCache();
    const place = placeOf();
    cache.doubt(place);
    for (let read = 0; read < 2; read++)
      expect((await cache.read(place, 'current', async () => stored(1, 'one'))).cached).toBe(false);
    world.now += 30_001;
    await cache.read(place, 'current', async () => stored(1, 'one'));
    expect((await cache.read(place, 'current', never)).cached).toBe(true);
  });

  it('drops versions that contradict what is current by now', async () => {
    const { cache } = openCache();
    const place = placeOf();
    await cache.read(place, 'current', async () => stored(1, 'one'));
    await cache.read(place, 2, async () => stored(2, 'two'));
    expect((await cache.read(place, 'current', never)).secret.value.v).toBe('two');
    await expect(cache.read(place, 1, never)).rejects.toThrow('was asked');
  });

  it('is bounded in bytes', async () => {
    const { cache } = openCache({ maxBytes: 20_000 });
    for (let at = 0; at < 100; at++)
      await cache.read(placeOf(`k${at}`), 'current', async () => stored(1, 'x'.repeat(1000)));
    expect(cache.size).toBeGreaterThan(5);
    expect(cache.size).toBeLessThan(20);
  });
});
