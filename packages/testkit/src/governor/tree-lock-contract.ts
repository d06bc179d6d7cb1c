import type { TreeLock } from '@provability-fabric/governor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Locks of one tree: two replicas', and one that gives up after at most 300 ms. */
export interface TreeLockUnderTest {
  readonly one: TreeLock;
  readonly another: TreeLock;
  readonly impatient: TreeLock;
  readonly close: () => Promise<void>;
}

/** What every lock of a tree has to keep to. */
export function describeTreeLockContract(name: string, open: () => Promise<TreeLockUnderTest>): void {
  describe(`the tree lock contract, kept by ${name}`, () => {
    let locks: TreeLockUnderTest;
    beforeAll(async () => {
      locks = await open();
    });
    afterAll(() => locks.close());

    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

    it('lets one caller in at a time, whichever replica it comes from, and every caller in the end', async () => {
      let inside = 0;
      let most = 0;
      const done = await Promise.all(
        Array.from({ length: 60 }, (_, n) =>
          (n % 2 === 0 ? locks.one : locks.another).withLock(async () => {
            most = Math.max(most, ++inside);
            await pause(n % 3);
            inside--;
            return n;
          }),
        ),
      );
      expect(most).toBe(1);
      expect(done).toEqual(Array.from({ length: 60 }, (_, n) => n));
    });

    it('answers TREE_BUSY to whoever has waited for as long as they would', async () => {
      let begun = false;
      await locks.one.withLock(async () => {
        const refused = locks.impatient.withLock(async () => {
          begun = true;
        });
        await expect(refused).rejects.toMatchObject({ code: 'TREE_BUSY' });
      });
      expect(begun).toBe(false);
      await expect(locks.impatient.withLock(async () => 'in')).resolves.toBe('in');
    });

    it('is free again after work that threw, and passes on what it threw', async () => {
      const broken = new Error('broken');
      await expect(
        locks.one.withLock(() => {
          throw broken;
        }),
      ).rejects.toBe(broken);
      await expect(locks.another.withLock(async () => 'in')).resolves.toBe('in');
    });

    it('keeps nobody waiting for one who gave up', async () => {
      const order: string[] = [];
      await locks.one.withLock(async () => {
        const waiting = Promise.allSettled(
          Array.from({ length: 5 }, () => locks.impatient.withLock(async () => order.push('never'))),
        );
        const results = await waiting;
        expect(results.every(({ status }) => status === 'rejected')).toBe(true);
      });
      await locks.another.withLock(async () => order.push('next'));
      expect(order).toEqual(['next']);
    });
  });
}
