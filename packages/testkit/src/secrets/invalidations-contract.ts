import type { Invalidations } from '@provability-fabric/secrets';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Two replicas' ends of one bus; where only one process may be on it, the same end twice. */
export interface InvalidationsUnderTest {
  readonly one: Invalidations;
  readonly another: Invalidations;
  readonly close: () => Promise<void>;
}

interface Heard {
  readonly tenant: string;
  readonly name: string;
}

/** What every bus between replicas has to keep to. */
export function describeInvalidationsContract(
  name: string,
  open: () => Promise<InvalidationsUnderTest>,
): void {
  describe(`the invalidations contract, kept by ${name}`, () => {
    let bus: InvalidationsUnderTest;
    beforeAll(async () => {
      bus = await open();
    });
    afterAll(() => bus.close());

    const hearing = (end: Invalidations) => {
      const heard: Heard[] = [];
      // That everything counts as missed may be said at any time: a machine that is too busy looks like a lost bus.
      return { heard, stop: end.subscribe((changed) => changed !== null && heard.push(changed)) };
    };

    it('tells every replica, its own included, of each change in order and exactly as it was named', async () => {
      const [mine, others] = [hearing(bus.one), hearing(bus.another)];
      const changes = [
        'db/primary',
        'a',
        `x/${'y'.repeat(120)}`,
        'A.b_c-d',
        ...Array.from({ length: 50 }, (_, n) => `n${n}`),
      ].map((name) => ({ tenant: 'acme+eu@x', name }));
      for (const change of changes) await bus.one.publish(change.tenant, change.name);
      await expect.poll(() => others.heard.length).toBe(changes.length);
      await expect.poll(() => mine.heard.length).toBe(changes.length);
      expect(others.heard).toEqual(changes);
      expect(mine.heard).toEqual(changes);
      mine.stop();
      others.stop();
    });

    it('tells nobody who has stopped, and goes on telling the others', async () => {
      const [stopped, other] = [hearing(bus.another), hearing(bus.another)];
      stopped.stop();
      stopped.stop();
      await bus.one.publish('acme', 'db/primary');
      await expect.poll(() => other.heard.length).toBe(1);
      expect(stopped.heard).toEqual([]);
      other.stop();
    });

    it('says that it is connected while messages come', async () => {
      await expect.poll(() => bus.one.connected() && bus.another.connected()).toBe(true);
    });
  });
}
