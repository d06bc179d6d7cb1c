import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../client.ts';
import { FakeFabric, TOKEN } from '../testing/fake-fabric.ts';
import { guard } from './guard-function.ts';
import type { Decider } from './guard-options.ts';
import { isRefusal } from './refusal.ts';

let fabric: FakeFabric;
let client: Decider;
beforeEach(async () => {
  fabric = new FakeFabric();
  client = createClient({ url: await fabric.start(), token: TOKEN, timeoutMs: 20_000 });
});
afterEach(() => fabric.stop());

const PATIENT = { timeout: 20_000 };
const never = () => new Promise<never>(() => undefined);

describe('whatever a tool does', () => {
  const tricks: Readonly<Record<string, (signal: AbortSignal) => unknown>> = {
    'gives JSON': () => ({ a: [1, null, 'x'] }),
    'gives nothing': () => undefined,
    'gives a promise': async () => 7n,
    'gives a date': () => new Date(),
    'gives a proxy that throws': () => new Proxy({}, { ownKeys: () => thrown(new Error('trap')) }),
    'gives a proxy that throws a worse one': () => new Proxy({}, { ownKeys: () => thrown(unaskable()) }),
    'gives what cannot be asked for a stream': () => new Proxy({}, { has: () => thrown(unaskable()) }),
    'throws what cannot be asked': () => thrown(unaskable()),
    'gives a thenable that throws': () => ({
      // biome-ignore lint/suspicious/noThenProperty: a hostile result
      get then() {
        return thrown(new Error('then'));
      },
    }),
    'gives too much': () => 'x'.repeat(5000),
    'streams without end': () => endless(),
    'streams and breaks': async function* () {
      yield 1;
      throw new Error('broken');
    },
    'streams what is no JSON': async function* () {
      yield Symbol('x');
    },
    throws: () => thrown(new Error('no')),
    'throws a text': () => thrown('no'),
    'throws nothing': () => thrown(undefined),
    'throws what cannot be read': () =>
      thrown(new Proxy(new Error('x'), { get: () => thrown(new Error('trap')) })),
    'never ends': never,
    'heeds its signal': (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  };

  it('allowed calls are reported on once, refused ones never, and nothing is seen unreported', async () => {
    const call = fc.record({
      name: fc.constantFrom('look', 'act', 'refused', 'held'),
      trick: fc.constantFrom(...Object.keys(tricks)),
      abort: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 8 }), async (calls) => {
        fabric.came.length = 0;
        fabric.outcomes.length = 0;
        const seen = await Promise.all(
          calls.map(async ({ name, trick, abort }) => {
            const options = { name, timeoutMs: 15, maxResultBytes: 2000, maxParts: 50 };
            const tool = guard(client, (_: object, { signal }) => tricks[trick]?.(signal), options);
            const signal = abort ? AbortSignal.timeout(5) : undefined;
            return tool({}, { signal }).then(
              (given) => (isRefusal(given) ? 'refused' : 'seen'),
              () => 'error',
            );
          }),
        );
        // An answer that nobody waited for is reported on a little later.
        await expect.poll(() => fabric.of('/v1/authorize').length, PATIENT).toBe(calls.length);
        const allowed = calls.filter(({ name }) => name === 'look' || name === 'act').length;
        await expect.poll(() => reported().length, PATIENT).toBe(allowed);
        expect(new Set(reported()).size).toBe(reported().length);
        const done = fabric.outcomes.filter(({ outcome }) => outcome === 'done').length;
        expect(seen.filter((what) => what === 'seen').length).toBeLessThanOrEqual(done);
        calls.forEach(({ name, abort }, at) => {
          if (name === 'refused' || name === 'held')
            expect(abort ? ['refused', 'error'] : ['refused']).toContain(seen[at]);
        });
      }),
      { numRuns: 60 },
    );
  });

  const reported = () => fabric.outcomes.map(({ certificate_id }) => certificate_id);
});

function unaskable(): object {
  return new Proxy(
    {},
    { getPrototypeOf: () => thrown(new Error('trap')), get: () => thrown(new Error('trap')) },
  );
}

async function* endless() {
  for (;;) yield 'more';
}

function thrown(error: unknown): never {
  throw error;
}
