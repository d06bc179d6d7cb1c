import { cleanKillOrder, sameKillOrder } from './kill-order.ts';
import type { KillOrder, KillSource } from './kill-switch.ts';

export interface PolledKillSourceOptions {
  readonly name: KillSource['name'];
  /** Throws where the place cannot be asked. */
  look(): Promise<KillOrder | null>;
  /** Durable when it resolves. Absent: the place cannot be switched from here. */
  write?(order: KillOrder | null): Promise<void>;
  /** Calls `look` when there may be something new; answers how to stop that. May reject: it is tried again. */
  hints?(look: () => void): Promise<() => Promise<void>>;
  /** Between two looks; 200 ms. */
  readonly everyMs?: number;
  /** What is without an answer for so long cannot be asked, and counts as killed; 700 ms. */
  readonly patienceMs?: number;
}

const EVERY_MS = 200;
const PATIENCE_MS = 700;

interface Watch {
  known(state: KillOrder | null): void;
}

/**
 * A place that is looked at again and again. Hints make it quick, looking makes it sure: a lost notification costs one interval.
 * What was seen last holds until `patienceMs` have passed without an answer.
 */
export function polledKillSource(options: PolledKillSourceOptions): KillSource {
  const { name, write } = options;
  const watches = new Set<Watch>();
  /** Goes up with each write, before and after: a look that began earlier saw what is no longer so. */
  let writes = 0;

  return {
    name,
    async watch(told) {
      const { watch, first, close } = startWatch(options, told, () => writes);
      watches.add(watch);
      await first;
      return {
        async close() {
          watches.delete(watch);
          await close();
        },
      };
    },
    ...(write !== undefined && {
      async set(order) {
        const clean = order === null ? null : cleanKillOrder(order);
        writes++;
        await write(clean);
        writes++;
        for (const watch of watches) watch.known(clean);
      },
    }),
  };
}

function startWatch(
  { look, hints, everyMs = EVERY_MS, patienceMs = PATIENCE_MS }: PolledKillSourceOptions,
  told: (state: KillOrder | null | undefined) => void,
  writes: () => number,
) {
  let said: { readonly state: KillOrder | null | undefined } | undefined;
  let answers = 0;
  let closed = false;
  let running: Promise<void> | undefined;
  let lookAgain = false;
  let stopHints: Promise<(() => Promise<void>) | undefined> | undefined;
  let turn: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;

  function say(state: KillOrder | null | undefined): void {
    if (closed || (said !== undefined && sameKillOrder(said.state, state))) return;
    said = { state };
    told(state);
  }

  function known(state: KillOrder | null): void {
    if (closed) return;
    const answer = ++answers;
    clearTimeout(deadline);
    // An answer that lies ready while this process was busy counts: it is read before what is due immediately.
    const late = () => answer === answers && say(undefined);
    deadline = setTimeout(() => setImmediate(late), patienceMs);
    deadline.unref();
    say(state);
  }

  async function lookOnce(): Promise<void> {
    const begun = writes();
    try {
      const state = await look();
      if (begun === writes()) known(state === null ? null : cleanKillOrder(state));
    } catch {
      // Whatever was wrong: it could not be asked. Once something was known, the deadline decides.
      if (said === undefined && !closed) say(undefined);
      return;
    }
    stopHints ??= hints?.(lookNow).catch(() => {
      stopHints = undefined;
      return undefined;
    });
  }

  function lookNow(): void {
    if (closed) return;
    if (running !== undefined) {
      lookAgain = true;
      return;
    }
    clearTimeout(turn);
    running = lookOnce().finally(() => {
      running = undefined;
      if (closed) return;
      const wait = lookAgain ? 0 : everyMs;
      lookAgain = false;
      turn = setTimeout(lookNow, wait);
      turn.unref();
    });
  }

  lookNow();
  // A place that does not answer at all holds nobody up: until it does, it counts as killed.
  const first = Promise.race([running, afterwards(patienceMs)]);
  return {
    watch: { known },
    first,
    async close() {
      closed = true;
      clearTimeout(turn);
      clearTimeout(deadline);
      const stop = await stopHints;
      await stop?.();
    },
  };
}

function afterwards(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
