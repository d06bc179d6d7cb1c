import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInProcessInvalidations } from '../cache/in-process-invalidations.ts';
import type { Invalidations } from '../ports.ts';
import { ADMIN, openSecretsHouse } from './service.fixture.ts';

const DB = { tenant: 'acme', name: 'db/primary' };

/** A bus that can be cut; whoever listens is told `null` when it is back. */
class FakeBus {
  cut = false;
  readonly #whole = createInProcessInvalidations();
  readonly #listeners = new Set<() => void>();

  readonly end: Invalidations = {
    publish: async (tenant, name) => {
      if (this.cut) throw new Error('the bus is down');
      await this.#whole.publish(tenant, name);
    },
    subscribe: (handler) => {
      const stop = this.#whole.subscribe((changed) => this.cut || handler(changed));
      this.#listeners.add(() => handler(null));
      return stop;
    },
    connected: () => !this.cut,
  };

  mend(): void {
    this.cut = false;
    for (const tell of this.#listeners) tell();
  }
}

async function replicas() {
  const bus = new FakeBus();
  const first = await openSecretsHouse({ invalidations: bus.end });
  const second = await openSecretsHouse({ invalidations: bus.end, rows: first.rows });
  return { bus, first, second };
}

describe('replicas', () => {
  it('read what another has written at once, though they had the old value in memory', async () => {
    const { first, second } = await replicas();
    await first.secrets.write(ADMIN, DB, { value: { v: '1' } });
    expect((await second.secrets.read(ADMIN, DB)).value.v).toBe('1');
    await first.secrets.write(ADMIN, DB, { value: { v: '2' } });
    expect((await second.secrets.read(ADMIN, DB)).value.v).toBe('2');
    await first.secrets.remove(ADMIN, DB);
    await expect(second.secrets.read(ADMIN, DB)).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  });

  it('hear of a write that came through after its writer gave it up', async () => {
    const bus = new FakeBus();
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let isSlow = false;
    const first = await openSecretsHouse({
      invalidations: bus.end,
      guard: { timeoutMs: 40 },
      cache: { doubtMs: 200 },
      around: (real) => ({
        ...real,
        async write(...asked) {
          if (isSlow) await held;
          return real.write(...asked);
        },
      }),
    });
    const second = await openSecretsHouse({ invalidations: bus.end, rows: first.rows });
    await first.secrets.write(ADMIN, DB, { value: { v: '1' } });
    isSlow = true;
    const written = first.secrets.write(ADMIN, DB, { value: { v: '2' } });
    await expect(written).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect((await second.secrets.read(ADMIN, DB)).value.v).toBe('1');
    letGo();
    await expect
      .poll(async () => (await second.secrets.read(ADMIN, DB)).value.v, { timeout: 2_000 })
      .toBe('2');
  });

  it('serve nothing older than a second while the bus is down', async () => {
    const { bus, first, second } = await replicas();
    await first.secrets.write(ADMIN, DB, { value: { v: '1' } });
    await second.secrets.read(ADMIN, DB);
    bus.cut = true;
    await first.secrets.write(ADMIN, DB, { value: { v: '2' } });
    expect((await first.secrets.read(ADMIN, DB)).value.v).toBe('2');
    second.time.now += 1000;
    expect((await second.secrets.read(ADMIN, DB)).value.v).toBe('2');
  });

  it('forget everything when the bus is back: messages were missed', async () => {
    const { bus, first, second } = await replicas();
    await first.secrets.write(ADMIN, DB, { value: { v: '1' } });
    await second.secrets.read(ADMIN, DB);
    bus.cut = true;
    await first.secrets.write(ADMIN, DB, { value: { v: '2' } });
    bus.mend();
    expect((await second.secrets.read(ADMIN, DB)).value.v).toBe('2');
  });

  it('never answer a version older than one whose write was acknowledged before the read began', async () => {
    const steps = fc.array(fc.record({ at: fc.nat({ max: 1 }), writes: fc.boolean(), wait: fc.boolean() }), {
      minLength: 5,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const { first, second } = await replicas();
        await first.secrets.write(ADMIN, DB, { value: { v: '0' } });
        let acknowledged = 1;
        const underWay: Promise<void>[] = [];
        for (const { at, writes, wait } of plan) {
          const { secrets } = at === 0 ? first : second;
          const step = async () => {
            if (writes) {
              const { version } = await secrets.write(ADMIN, DB, { value: { v: 'x' } });
              acknowledged = Math.max(acknowledged, version);
            } else {
              const before = acknowledged;
              expect((await secrets.read(ADMIN, DB)).version.version).toBeGreaterThanOrEqual(before);
            }
          };
          const one = step();
          underWay.push(one);
          if (wait) await one;
        }
        await Promise.all(underWay);
      }),
      { numRuns: 25 },
    );
  });
});
