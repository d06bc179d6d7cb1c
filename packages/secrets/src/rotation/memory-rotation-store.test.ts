import { randomUUID } from 'node:crypto';
import { newTenant, placeOf, rotationStoreContract } from '@provability-fabric/testkit';
import { expect, it } from 'vitest';
import { createMemoryRotationStore } from './memory-rotation-store.ts';
import type { Rotation } from './ports.ts';

rotationStoreContract('memory', async () => ({
  store: createMemoryRotationStore(Date.now),
  close: async () => undefined,
}));

it('keeps the newest 1,000 rotations of a tenant that have ended', async () => {
  const store = createMemoryRotationStore(Date.now);
  const place = placeOf('db/primary', newTenant());
  const made: Rotation[] = Array.from({ length: 1_003 }, (_, at) => ({
    ...place,
    id: randomUUID(),
    rotator: 'random',
    options: {},
    cause: 'manual',
    by: 'alice',
    phase: 'stage',
    attempts: 0,
    dueAt: at,
    graceMs: 0,
    previousVersion: null,
    version: null,
    errorCode: null,
    startedAt: at,
    promotedAt: null,
    endedAt: null,
    changedAt: at,
  }));
  for (const rotation of made) {
    await store.begin(rotation);
    const [claimed] = await store.claim({
      now: 0,
      changedAfter: 0,
      leaseMs: 1_000,
      limit: 1,
      id: rotation.id,
    });
    const end = { phase: 'done', endedAt: 0, changedAt: 0 } as const;
    await store.advance(place.tenant, rotation.id, claimed?.fence ?? 0, end, 0);
  }
  const kept = await store.rotations(place.tenant, { limit: 2_000 });
  expect(kept.map(({ id }) => id)).toEqual(
    made
      .slice(3)
      .reverse()
      .map(({ id }) => id),
  );
});
