import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimiter } from './rate-limiter.ts';

describe('the rate limiter', () => {
  it('never lets a client have more than the burst and what time brought, however many others come', () => {
    const event = fc.record({
      client: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      wait: fc.integer({ min: 0, max: 700 }),
    });
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 200 }),
        fc.integer({ min: 1, max: 4 }),
        (events, maxClients) => {
          let time = 0;
          const limiter = new RateLimiter({ perSecond: 2, burst: 3, maxClients, now: () => time });
          const taken = new Map<string, number>();
          for (const { client, wait } of events) {
            time += wait;
            if (limiter.take(client).ok) taken.set(client, (taken.get(client) ?? 0) + 1);
          }
          expect(limiter.clients).toBeLessThanOrEqual(maxClients);
          // A client may have used the shared bucket of newcomers before it got one of its own.
          for (const count of taken.values())
            expect(count).toBeLessThanOrEqual(2 * 3 + (2 * time * 2) / 1000);
        },
      ),
    );
  });

  it('says when to come back, and holds to it', () => {
    let time = 0;
    const limiter = new RateLimiter({ perSecond: 0.1, burst: 1, maxClients: 10, now: () => time });
    expect(limiter.take('a')).toEqual({ ok: true });
    expect(limiter.take('a')).toEqual({ ok: false, retryAfterSeconds: 10 });
    time = 10_000;
    expect(limiter.take('a')).toEqual({ ok: true });
  });

  it('gives a client that was pushed out no second burst', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1, maxClients: 2, now: () => 0 });
    expect(limiter.take('a').ok).toBe(true);
    expect(limiter.take('b').ok).toBe(true);
    // Newcomers share one bucket while nobody's is full again.
    expect(['c', 'd', 'e'].map((client) => limiter.take(client).ok)).toEqual([true, false, false]);
    expect(limiter.take('a').ok).toBe(false);
    expect(limiter.clients).toBe(2);
  });
});
