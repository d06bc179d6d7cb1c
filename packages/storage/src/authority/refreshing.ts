import type { Extent } from './known-changes.ts';

/** Longest wait between two looks when nobody tells of a change; well under the second that is promised. */
const POLL_MS = 400;
/** Anyone with a login can send notifications: however many come, there is at most one look in this time … */
const CALM_MS = 25;
/** … and one at everything in this. */
const CALM_EVERYTHING_MS = 5_000;
/** What expired is forgotten this often. */
const ANEW_MS = 600_000;

export interface Refreshing {
  /** Looks again as soon as may be; at everything, where something may have been missed. */
  hint(everything: boolean): void;
  /** A look that begins after this call. */
  now(): Promise<void>;
  /** ms since the last look began that succeeded. */
  staleMs(): number;
  failure(): unknown;
  stop(): Promise<void>;
}

interface Moment {
  readonly at: number;
  readonly wall: number;
}

/**
 * Calls `look` again and again, one at a time. Two clocks: the monotonic one stands still while a machine is
 * suspended, and the time of day jumps; staleness believes whichever says that more time has passed.
 */
export function startRefreshing(
  look: (extent: Extent) => Promise<void>,
  clocks: { readonly now: () => number; readonly wall: () => number },
): Refreshing {
  const never: Moment = { at: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY };
  let last = never;
  let lastEverything = never;
  let lastAnew = never;
  let missed = true;
  let failure: unknown;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let hinted = false;
  let stopped = false;

  const moment = (): Moment => ({ at: clocks.now(), wall: clocks.wall() });

  function extentAt({ at, wall }: Moment): Extent {
    if (at - lastAnew.at > ANEW_MS) return 'anew';
    // Set back, the clock makes expired tokens valid again, and their revocations may have been forgotten.
    if (wall < last.wall) missed = true;
    return missed && at - lastEverything.at > CALM_EVERYTHING_MS ? 'everything' : 'changes';
  }

  async function lookOnce(): Promise<void> {
    clearTimeout(timer);
    hinted = false;
    const began = moment();
    const extent = extentAt(began);
    if (extent !== 'changes') missed = false;
    try {
      await look(extent);
      last = began;
      if (extent !== 'changes') lastEverything = began;
      if (extent === 'anew') lastAnew = began;
      failure = undefined;
    } catch (error) {
      // Behind a database that was gone there may be another one, put back from a backup.
      missed = true;
      failure = error;
      throw error;
    } finally {
      running = undefined;
      plan(hinted ? CALM_MS : POLL_MS);
    }
  }

  function plan(afterMs: number): void {
    if (stopped) return;
    clearTimeout(timer);
    timer = setTimeout(() => begin().catch(() => undefined), afterMs);
    timer.unref();
  }

  function begin(): Promise<void> {
    running ??= lookOnce();
    return running;
  }

  return {
    hint(everything) {
      missed ||= everything;
      if (hinted) return;
      hinted = true;
      if (running === undefined) plan(CALM_MS);
    },
    async now() {
      await running?.catch(() => undefined);
      await begin();
    },
    staleMs() {
      const { at, wall } = moment();
      return Math.max(0, at - last.at, wall - last.wall);
    },
    failure: () => failure,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running?.catch(() => undefined);
    },
  };
}
