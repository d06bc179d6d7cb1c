import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockWatch } from './clock-watch.ts';

const WINDOW = 1_000;
const TOLERANCE = 50;

/** Looks at a clock that is `offset` ahead, every 200 ms from `from` on. */
function watchFor(watch: ClockWatch, from: number, to: number, offset: number): void {
  for (let at = from; at <= to; at += 200) {
    watch.take({ sent: at, received: at + 4, database: at + 2 + offset });
  }
}

describe('the watch over the database clock', () => {
  it('believes nothing until it has watched for as long as a lease lasts', () => {
    const watch = new ClockWatch(WINDOW, TOLERANCE);
    watchFor(watch, 0, 800, 5_000);
    expect(watch.bounds(900)).toBeUndefined();
    expect(watch.bounds(1_000)).toBeDefined();
  });

  it('starts over when the clock was set forward', () => {
    const watch = new ClockWatch(WINDOW, TOLERANCE);
    watchFor(watch, 0, 2_000, 0);
    watchFor(watch, 2_200, 2_800, 3_600_000);
    expect(watch.bounds(2_900)).toBeUndefined();
    watchFor(watch, 3_000, 3_400, 3_600_000);
    expect(watch.bounds(3_400)?.latest).toBeGreaterThan(3_600_000);
  });

  it('does not let a clock that was set since the last look pass', () => {
    const watch = new ClockWatch(WINDOW, TOLERANCE);
    watchFor(watch, 0, 2_000, 0);
    const bounds = watch.bounds(2_100);
    expect(bounds?.latest).toBeLessThan(2_100 + 4 * TOLERANCE);
    expect(bounds?.earliest).toBeGreaterThan(2_100 - 2 * TOLERANCE);
  });

  it('learns nothing from an answer that took long', () => {
    const watch = new ClockWatch(WINDOW, TOLERANCE);
    watch.take({ sent: 0, received: 51, database: 20 });
    expect(watch.bounds(5_000)).toBeUndefined();
  });

  it('never lets a lease pass for run out while its holder, five tolerances careful, still counts on it', () => {
    // Small jumps, which hide best, among long stretches without any.
    const jump = fc.oneof(
      { arbitrary: fc.constant(0), weight: 6 },
      { arbitrary: fc.integer({ min: -150, max: 150 }), weight: 1 },
      { arbitrary: fc.integer({ min: 20, max: 70 }), weight: 1 },
    );
    const step = fc.record({ pause: fc.integer({ min: 20, max: 300 }), jump });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 6, maxLength: 40 }),
        fc.nat(40),
        fc.nat(20),
        (steps, renewal, delay) => {
          const watch = new ClockWatch(WINDOW, TOLERANCE);
          let [at, ahead, expires, holdsUntil] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
          for (const [position, { pause, jump }] of steps.entries()) {
            at += pause;
            watch.take({ sent: at, received: at + delay, database: at + delay / 2 + ahead });
            if (position === renewal % steps.length) {
              expires = at + ahead + WINDOW;
              holdsUntil = at + WINDOW - 5 * TOLERANCE;
            }
            ahead += jump;
            const bounds = watch.bounds(at);
            const clock = at + delay + ahead;
            const passes = bounds !== undefined && clock >= bounds.earliest && clock <= bounds.latest;
            if (passes && clock > expires) expect(at + delay).toBeGreaterThanOrEqual(holdsUntil);
          }
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
