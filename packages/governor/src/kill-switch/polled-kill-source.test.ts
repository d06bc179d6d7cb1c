import { afterEach, describe, expect, it } from 'vitest';
import type { KillOrder } from './kill-switch.ts';
import { polledKillSource } from './polled-kill-source.ts';

const ORDER: KillOrder = { reason: 'stop', by: 'alice', at: 1 };
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
let closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closes) await close();
  closes = [];
});

/** A place whose answers a test chooses. */
function place() {
  const answers: { state: KillOrder | null | 'failing' | 'silent'; hint: () => void } = {
    state: null,
    hint: () => undefined,
  };
  const told: (KillOrder | null | undefined)[] = [];
  const source = polledKillSource({
    name: 'redis',
    everyMs: 20,
    patienceMs: 100,
    async look() {
      const { state } = answers;
      if (state === 'silent') return new Promise(() => undefined);
      if (state === 'failing') throw new Error('no answer');
      return state;
    },
    async write(order) {
      await wait(10);
      answers.state = order;
    },
    async hints(look) {
      answers.hint = look;
      return async () => undefined;
    },
  });
  const watch = async () => {
    const { close } = await source.watch((state) => told.push(state));
    closes.push(close);
  };
  return { answers, told, source, watch };
}

describe('a place that is looked at', () => {
  it('counts as not asked when it fails at the start, and as what it says from when it answers', async () => {
    const { answers, told, watch } = place();
    answers.state = 'failing';
    await watch();
    expect(told).toEqual([undefined]);
    answers.state = null;
    await expect.poll(() => told).toEqual([undefined, null]);
  });

  it('holds nobody up who starts while it is silent, and has said nothing then', async () => {
    const { answers, told, watch } = place();
    answers.state = 'silent';
    await watch();
    expect(told).toEqual([]);
  });

  it.each(['failing', 'silent'] as const)(
    'counts as not asked once it was %s for its patience',
    async (how) => {
      const { answers, told, watch } = place();
      await watch();
      answers.state = how;
      await wait(60);
      expect(told).toEqual([null]);
      await expect.poll(() => told.at(-1), { timeout: 300, interval: 5 }).toBeUndefined();
    },
  );

  it('is not forgotten because this process was busy while its answer lay ready', async () => {
    const { told, watch } = place();
    await watch();
    for (let round = 0; round < 3; round++) {
      for (const end = performance.now() + 150; performance.now() < end; );
      await wait(30);
    }
    expect(told).toEqual([null]);
  });

  it('is not said to be as it was before a write by a look that began before it', async () => {
    const { told, source, watch } = place();
    await watch();
    for (let round = 0; round < 10; round++) {
      await source.set?.(ORDER);
      await wait(25);
      await source.set?.(null);
    }
    expect(told).toEqual([null, ...Array.from({ length: 10 }, () => [ORDER, null]).flat()]);
  });

  it('is looked at at once when it hints', async () => {
    const { answers, told, watch } = place();
    await watch();
    await wait(25);
    answers.state = ORDER;
    answers.hint();
    await Promise.resolve();
    await wait(2);
    expect(told.at(-1)).toEqual(ORDER);
  });
});
