import type { KillOrder, KillSource } from '@provability-fabric/governor';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

/** Two replicas' ends of one place; where only one process is told by it, two sources on the same. */
export interface KillSourceUnderTest {
  readonly one: KillSource;
  readonly another: KillSource;
  close(): Promise<void>;
}

type Told = KillOrder | null | undefined;

/** What every place that can stop a governor, and let it act again, has to keep to. */
export function describeKillSourceContract(name: string, open: () => Promise<KillSourceUnderTest>): void {
  describe(`the kill source contract, kept by ${name}`, () => {
    let place: KillSourceUnderTest;
    const watches: { close(): Promise<void> }[] = [];
    beforeAll(async () => {
      place = await open();
    });
    afterEach(async () => {
      for (const watch of watches.splice(0)) await watch.close();
      await place.one.set?.(null);
    });
    afterAll(() => place.close());

    const watching = async (source: KillSource) => {
      const told: Told[] = [];
      const watch = await source.watch((state) => told.push(state));
      watches.push(watch);
      return { told, close: () => watch.close() };
    };
    const order = (reason: string, part: Partial<KillOrder> = {}): KillOrder => ({
      reason,
      by: 'alice',
      at: 1_800_000_000_123,
      ...part,
    });
    const within = { timeout: 3_000, interval: 5 };

    it('says that nothing is ordered before `watch` resolves', async () => {
      expect((await watching(place.one)).told).toEqual([null]);
    });

    it('tells every replica of an order within a second, exactly as it was given, and of its end', async () => {
      const [mine, others] = [await watching(place.one), await watching(place.another)];
      await place.one.set?.(order('the agents run wild'));
      expect(mine.told.at(-1)).toEqual(order('the agents run wild'));
      const aSecond = { ...within, timeout: 1_000 };
      await expect.poll(() => others.told.at(-1), aSecond).toEqual(order('the agents run wild'));
      await place.another.set?.(null);
      expect(others.told.at(-1)).toBeNull();
      await expect.poll(() => mine.told.at(-1), aSecond).toBeNull();
    });

    it('tells who comes later first of all of the order that is there', async () => {
      await place.one.set?.(order('before'));
      expect((await watching(place.another)).told).toEqual([order('before')]);
    });

    it('keeps whatever a caller calls a reason on one line and of bounded length, alike for all', async () => {
      const others = await watching(place.another);
      for (const text of [
        'x\nBy: admin\nReason: none',
        '\u0000',
        '\ud800',
        '`"\'\\',
        'y'.repeat(10_000),
        '',
      ]) {
        const mine = await watching(place.one);
        await place.one.set?.(order(text, { by: text }));
        const kept = mine.told.at(-1);
        expect(kept?.reason).toMatch(/^[^\p{Cc}\p{Cs}]{1,500}$/u);
        expect(kept?.by).toMatch(/^[^\p{Cc}\p{Cs}]{1,255}$/u);
        await expect.poll(() => others.told.at(-1), within).toEqual(kept);
        await mine.close();
      }
    });

    it('ends in one state for all when orders and their ends race', async () => {
      const [mine, others] = [await watching(place.one), await watching(place.another)];
      await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          (at % 2 === 0 ? place.one : place.another).set?.(at % 3 === 0 ? null : order(`${at}`)),
        ),
      );
      await place.one.set?.(order('last'));
      await expect
        .poll(() => [mine.told.at(-1), others.told.at(-1)], within)
        .toEqual([order('last'), order('last')]);
    });

    it('tells nobody who has stopped watching', async () => {
      const [stopped, other] = [await watching(place.another), await watching(place.another)];
      await stopped.close();
      await place.one.set?.(order('unheard'));
      await expect.poll(() => other.told.at(-1), within).toEqual(order('unheard'));
      expect(stopped.told).toEqual([null]);
    });

    it('can be set by who does not watch, and taken back twice', async () => {
      const others = await watching(place.another);
      await place.one.set?.(order('from a command line'));
      await expect.poll(() => others.told.at(-1), within).toEqual(order('from a command line'));
      await place.one.set?.(null);
      await place.one.set?.(null);
      await expect.poll(() => others.told.at(-1), within).toBeNull();
    });
  });
}
