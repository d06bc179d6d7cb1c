import { cp } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { FileLog } from '../file-log/file-log.ts';
import { unsyncedFiles } from '../testing/fault-shim.ts';
import { openTestLog, temporaryFolders } from '../testing/log-fixture.ts';
import { statementsOf } from '../testing/statement-fixture.ts';
import { FakeLedger, type Fault } from './fake-ledger.fixture.ts';
import { createShipper, type Shipper, type ShipperOptions } from './shipper.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const ISSUED = Date.parse('2026-01-01T00:00:00.000Z');

async function commit(log: FileLog, session: string, count = 1): Promise<number> {
  const result = await log.commit(statementsOf('acme', session, log.head('acme', session), count));
  if (!result.ok) throw new Error('stale');
  return result.firstIndex + count - 1;
}

interface Ship {
  readonly shipper: Shipper;
  readonly events: { event: string; details: Readonly<Record<string, unknown>> }[];
}

async function ship(log: FileLog, ledger: FakeLedger, options: Partial<ShipperOptions> = {}): Promise<Ship> {
  const events: Ship['events'] = [];
  const shipper = await createShipper({
    log,
    ledger,
    writer: 'test-log',
    emit: (event, details) => events.push({ event, details }),
    now: () => ISSUED,
    monotonic: () => performance.now(),
    random: () => 0,
    ...options,
  });
  return { shipper, events };
}

async function opened(options: Parameters<typeof openTestLog>[1] = {}) {
  const directory = await folders.make();
  const { log, events } = await openTestLog(directory, { files: unsyncedFiles(), ...options });
  return { directory, log, logEvents: events };
}

/** Every entry of the log once, in order, with what was committed. */
async function expectShipped(log: FileLog, ledger: FakeLedger): Promise<void> {
  expect(ledger.entries).toHaveLength(log.size);
  let index = 0;
  for await (const { tenant, session, seq, digest, envelope, salt } of log.scan()) {
    const shipped = ledger.entries[index++];
    expect(shipped).toMatchObject({ type: 'session-record', tenant, session, seq, digest, issuedAt: ISSUED });
    expect(Buffer.from(shipped?.envelope ?? []).equals(envelope)).toBe(true);
    expect(Buffer.from(shipped?.salt ?? []).equals(salt)).toBe(true);
    expect(shipped?.sealedRecord?.length).toBeGreaterThan(0);
  }
  expect(ledger.mostAtOnce).toBeLessThanOrEqual(1);
}

describe('a ledger that contradicts the log', () => {
  it('by having more of it than there is stops shipping by name: the folder is from an old backup', async () => {
    const { directory, log } = await opened();
    const ledger = new FakeLedger();
    await commit(log, 's', 3);
    const backup = await folders.make();
    await cp(directory, backup, { recursive: true });
    await commit(log, 's', 2);
    const first = await ship(log, ledger);
    expect(await first.shipper.close({ flushMs: 5_000 })).toBe(true);
    await log.close();

    const old = (await openTestLog(backup)).log;
    const { shipper, events } = await ship(old, ledger);
    await expect.poll(() => events.map(({ event }) => event)).toEqual(['ledger_refused']);
    expect(events[0]?.details).toMatchObject({ code: 'LOG_BEHIND_LEDGER' });
    expect(shipper.lagMs()).toBe(Number.POSITIVE_INFINITY);
    expect(await shipper.reached(1_000)).toBe(false);
    expect(shipper.health()).toEqual([expect.stringContaining('old backup')]);
    await expect(shipper.upTo(9, 50)).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    expect(await shipper.close({ flushMs: 100 })).toBe(false);
    await old.close();
  });

  it('is seen through when an old backup grew past it before it answered', async () => {
    const { directory, log } = await opened();
    const ledger = new FakeLedger();
    await commit(log, 's', 3);
    const backup = await folders.make();
    await cp(directory, backup, { recursive: true });
    await commit(log, 's', 2);
    await (await ship(log, ledger)).shipper.close({ flushMs: 5_000 });
    await log.close();

    const old = (await openTestLog(backup)).log;
    await commit(old, 'other', 4);
    const { shipper, events } = await ship(old, ledger);
    await expect.poll(() => events.map(({ event }) => event)).toEqual(['ledger_refused']);
    expect(events[0]?.details).toMatchObject({ code: 'LEDGER_CONFLICT' });
    expect(ledger.entries).toHaveLength(5);
    await shipper.close({ flushMs: 10 });
    await old.close();
  });

  it('stops shipping for good, and nothing is freed', async () => {
    const { log } = await opened({ segmentBytes: 1, keepBytes: 0 });
    const ledger = new FakeLedger();
    ledger.faults.push('none', 'conflict');
    await commit(log, 's', 1);
    const { shipper, events } = await ship(log, ledger, { free: true });
    await expect.poll(() => events.map(({ event }) => event)).toEqual(['ledger_refused']);
    const { calls } = ledger;
    await commit(log, 's', 5);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([ledger.calls, log.freed, shipper.lagMs()]).toEqual([calls, 0, Number.POSITIVE_INFINITY]);
    await shipper.close({ flushMs: 10 });
    await log.close();
  });

  it('by having lost what was freed stops shipping by name', async () => {
    const { log } = await opened({ segmentBytes: 1, keepBytes: 0 });
    const ledger = new FakeLedger();
    const { shipper } = await ship(log, ledger, { free: true });
    for (let i = 0; i < 4; i++) await commit(log, 's');
    await log.flush();
    await shipper.upTo(await commit(log, 's'), 5_000);
    await expect.poll(() => log.freed).toBeGreaterThan(0);
    await shipper.close({ flushMs: 1_000 });
    ledger.entries.length = 0;
    const again = await ship(log, ledger);
    await expect.poll(() => again.events.map(({ event }) => event)).toEqual(['ledger_refused']);
    expect(again.events[0]?.details).toMatchObject({ code: 'NOT_IN_LOG' });
    await again.shipper.close({ flushMs: 10 });
    await log.close();
  });
});

describe('a ledger that is gone', () => {
  it.each<Fault>(['lost', 'read-only'])(
    '(%s) is tried again, named once, and gets everything',
    async (fault) => {
      const { log } = await opened();
      const ledger = new FakeLedger();
      const { shipper, events } = await ship(log, ledger);
      await shipper.upTo(await commit(log, 's'), 5_000);
      expect(shipper.lagMs()).toBe(0);
      ledger.always = fault;
      await commit(log, 's', 3);
      await expect.poll(() => events.at(-1)?.event).toBe('ledger_lost');
      await commit(log, 's');
      expect(shipper.health()).toHaveLength(1);
      expect(shipper.lagMs()).toBeGreaterThan(0);
      await expect(shipper.upTo(log.size - 1, 20)).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
      ledger.always = undefined;
      await shipper.upTo(log.size - 1, 10_000);
      expect(events.map(({ event }) => event)).toEqual(['ledger_reached', 'ledger_lost', 'ledger_reached']);
      expect([shipper.health(), shipper.lagMs()]).toEqual([[], 0]);
      await expectShipped(log, ledger);
      await shipper.close({ flushMs: 1_000 });
      await log.close();
    },
  );

  it('is not asked in a tight loop', async () => {
    const { log } = await opened();
    const ledger = new FakeLedger();
    ledger.always = 'lost';
    const { shipper } = await ship(log, ledger);
    await commit(log, 's');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(ledger.calls).toBeLessThan(8);
    expect(await shipper.close({ flushMs: 10 })).toBe(false);
    await log.close();
  });

  it('and never answers does not keep the process from ending', async () => {
    const { log } = await opened();
    const ledger = new FakeLedger();
    ledger.always = 'hangs';
    const { shipper } = await ship(log, ledger);
    await commit(log, 's');
    expect(await shipper.reached(20)).toBe(false);
    const began = performance.now();
    expect(await shipper.close({ flushMs: 50 })).toBe(false);
    expect(performance.now() - began).toBeLessThan(1_000);
    await log.close();
  });

  it('at a start: what an earlier process is known to have shipped is no lag, anything else is as old as it is', async () => {
    const { directory, log } = await opened();
    const ledger = new FakeLedger();
    const first = await ship(log, ledger);
    await commit(log, 's', 2);
    expect(await first.shipper.close({ flushMs: 5_000 })).toBe(true);
    await log.close();

    const restarted = (await openTestLog(directory)).log;
    ledger.always = 'lost';
    const second = await ship(restarted, ledger);
    expect(second.shipper.lagMs()).toBe(0);
    await commit(restarted, 's');
    await second.shipper.close({ flushMs: 10 });
    await restarted.close();

    const later = (await openTestLog(directory)).log;
    const third = await ship(later, ledger, { now: () => ISSUED + 90_000, monotonic: () => 5 });
    expect(third.shipper.lagMs()).toBe(90_000);
    ledger.always = undefined;
    await third.shipper.upTo(2, 10_000);
    expect(third.shipper.lagMs()).toBe(0);
    await expectShipped(later, ledger);
    await third.shipper.close({ flushMs: 10 });
    await later.close();
  });
});

describe('shipping', () => {
  it('carries every entry exactly once and in order through any faults and restarts', async () => {
    const fault = fc.constantFrom<Fault>('none', 'none', 'lost', 'lost after commit', 'read-only');
    const step = fc.record({
      commits: fc.integer({ min: 0, max: 6 }),
      faults: fc.array(fault, { maxLength: 4 }),
      restart: fc.boolean(),
      wait: fc.boolean(),
    });
    const limits = fc.constantFrom({ entries: 1, bytes: 1e6 }, { entries: 3, bytes: 700 }, undefined);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 8 }),
        limits,
        fc.constantFrom(1, 2_000, 1e6),
        async (steps, batch, segmentBytes) => {
          const directory = await folders.make();
          const options = { files: unsyncedFiles(), segmentBytes };
          let { log } = await openTestLog(directory, options);
          const ledger = new FakeLedger();
          const shipping = batch === undefined ? {} : { batch };
          let { shipper } = await ship(log, ledger, shipping);
          for (const { commits, faults, restart, wait } of steps) {
            ledger.faults.push(...faults);
            await Promise.all(Array.from({ length: commits }, (_, i) => commit(log, `s${i}`, 1 + (i % 3))));
            if (wait) await shipper.upTo(log.size - 1, 20_000);
            if (!restart) continue;
            await shipper.close({ flushMs: 0 });
            await log.close();
            ({ log } = await openTestLog(directory, options));
            ({ shipper } = await ship(log, ledger, shipping));
          }
          ledger.faults.length = 0;
          expect(await shipper.close({ flushMs: 20_000 })).toBe(true);
          await expectShipped(log, ledger);
          await log.close();
        },
      ),
      { numRuns: 20 },
    );
  });

  it('reads from the journal what no longer fits into memory', async () => {
    const { log } = await opened({ segmentBytes: 4_000 });
    for (let i = 0; i < 20; i++) await commit(log, `s${i}`, 5);
    const ledger = new FakeLedger();
    const { shipper } = await ship(log, ledger, { batch: { entries: 7, bytes: 3_000 } });
    await shipper.upTo(99, 10_000);
    await expectShipped(log, ledger);
    await shipper.close({ flushMs: 10 });
    await log.close();
  });

  it('tells the fence under which each statement was decided, one a session in a batch', async () => {
    let fence: number | undefined = 3;
    const { directory, log } = await opened({ fences: () => fence });
    const early = new FakeLedger();
    early.always = 'lost';
    const { shipper: fresh } = await ship(log, early);
    await commit(log, 's');
    await commit(log, 't');
    fence = 5;
    await commit(log, 's');
    fence = undefined;
    await commit(log, 'u');
    const fenced = [
      [
        0,
        [
          ['acme\ns', 3],
          ['acme\nt', 3],
        ],
      ],
      [2, [['acme\ns', 5]]],
    ];
    const told = ({ batches }: FakeLedger) => batches.map(({ from, fences }) => [from, [...(fences ?? [])]]);
    early.always = undefined;
    await fresh.upTo(3, 10_000);
    expect(told(early)).toEqual(fenced);
    await fresh.close({ flushMs: 10 });
    await log.close();
    // What the ledger is told does not depend on who was still alive to tell it.
    const again = (await openTestLog(directory)).log;
    const late = new FakeLedger();
    const { shipper } = await ship(again, late);
    await expect.poll(() => late.entries.length, { timeout: 10_000 }).toBe(4);
    expect(told(late)).toEqual(fenced);
    await shipper.close({ flushMs: 10 });
    await again.close();
  });

  it('takes statements along that lie in no file log, the newest of too many', async () => {
    const { log } = await opened();
    const ledger = new FakeLedger();
    ledger.always = 'lost';
    const { shipper } = await ship(log, ledger);
    await commit(log, 's');
    const [entry] = await log.entries(0, { entries: 1, bytes: 1 });
    if (entry === undefined) throw new Error('no entry');
    for (let i = 0; i < 300; i++) {
      shipper.add({ ...entry, type: 'head', tenant: '-', session: null, seq: null, issuedAt: i });
    }
    ledger.always = undefined;
    await expect.poll(() => ledger.loose.length, { timeout: 10_000 }).toBe(256);
    expect(ledger.loose.map(({ issuedAt }) => issuedAt)).toEqual(
      Array.from({ length: 256 }, (_, i) => i + 44),
    );
    await shipper.close({ flushMs: 1_000 });
    await log.close();
  });

  it('frees what the ledger has, and reads it back from there', async () => {
    const ledger = new FakeLedger();
    const archive = {
      async *session(tenant: string, session: string, fromSeq = 0) {
        for (const entry of ledger.entries) {
          if (entry.tenant !== tenant || entry.session !== session || (entry.seq ?? 0) < fromSeq) continue;
          const { seq, envelope, salt, sealedRecord } = entry;
          yield { seq: seq as number, envelope, salt, sealedRecord };
        }
      },
    };
    const { log, logEvents } = await opened({ segmentBytes: 1, keepBytes: 0, archive });
    const { shipper } = await ship(log, ledger, { free: true });
    for (let i = 0; i < 5; i++) await commit(log, 's', 2);
    await log.flush();
    await shipper.upTo(await commit(log, 's', 2), 5_000);
    await expect.poll(() => log.freed).toBe(10);
    expect(logEvents.map(({ event }) => event)).toContain('journal_freed');
    const records: string[] = [];
    for await (const { record } of log.readSession('acme', 's'))
      records.push(Buffer.from(record ?? []).toString());
    expect(records).toEqual(Array.from({ length: 12 }, (_, seq) => `record s/${seq}`));
    expect(await log.audit()).toBe(12);
    await shipper.close({ flushMs: 10 });
    await log.close();
  });
});
