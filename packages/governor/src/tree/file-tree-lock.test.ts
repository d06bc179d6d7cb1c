import { describeTreeLockContract } from '@provability-fabric/testkit';
import { fileTreeLock } from './file-tree-lock.ts';
import { temporaryPlace } from './tree.fixture.ts';

describeTreeLockContract('the lock of one host', async () => {
  const place = temporaryPlace();
  return {
    one: fileTreeLock(place.root, { patienceMs: 20_000 }),
    another: fileTreeLock(place.root, { patienceMs: 20_000 }),
    impatient: fileTreeLock(place.root, { patienceMs: 100 }),
    close: async () => place.remove(),
  };
});
