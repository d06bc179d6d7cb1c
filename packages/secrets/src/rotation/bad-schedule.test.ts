import { expect, it } from 'vitest';
import { asSecretName } from '../names.ts';
import { createMemoryRotationStore } from './memory-rotation-store.ts';
import { ALICE, ManualClock, openRotating, START } from './rotating.fixture.ts';

const HOUR = 3_600_000;

it('a schedule that cannot be begun holds up no other one', async () => {
  const clock = new ManualClock();
  const store = createMemoryRotationStore(clock.now);
  const { rotations, place, types } = await openRotating({ clock, store, beatMs: HOUR / 6 });
  await rotations.schedule(ALICE, place, { everyDays: 1, at: '02:00', rotator: 'target' });
  const planned = await store.schedule(place);
  if (planned === null) throw new Error('expected a schedule');
  // As a later release, whose expressions this one cannot read, or a restored table may have left it.
  const timing = { kind: 'cron', expression: 'never', timeZone: 'UTC' } as const;
  await store.putSchedule({ ...planned, name: asSecretName('a'), timing, nextAt: START });
  rotations.start();
  await clock.move(14 * HOUR + 5 * 60_000);
  await rotations.stop();
  expect(types()).toContain('scheduler-error');
  expect(types()).toContain('rotation-started');
});
