import { cp, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { commitOf, headAfter } from '@provability-fabric/testkit';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { FaultShim, type FaultyCall } from '../testing/fault-shim.ts';
import { openTestLog, temporaryFolders } from '../testing/log-fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const SEGMENT = 'journal/0000000000000000.seg';
const unavailable = { code: 'EVIDENCE_UNAVAILABLE' };

async function openFaulty(options: { segmentBytes?: number; checkpointEveryMs?: number } = {}) {
  const directory = await folders.make();
  const disk = new FaultShim();
  const { log, events } = await openTestLog(directory, { files: disk, ...options });
  return { directory, disk, log, names: () => events.map(({ event }) => event), events };
}

/** What a start after this moment would find. */
async function reopenCopy(directory: string) {
  const copy = await folders.make();
  // What is on its way to a name would be renamed under the copying.
  await cp(directory, copy, { recursive: true, filter: (path) => !path.endsWith('.tmp') });
  const { log, events } = await openTestLog(copy);
  const size = await log.audit();
  await log.close();
  return { size, events, log };
}

describe('a full disk', () => {
  it('refuses exactly the commits that did not fit, keeps nothing of them, and goes on when there is space', async () => {
    const { directory, disk, log, names } = await openFaulty();
    const first = commitOf('acme', 's1', undefined);
    await log.commit(first);
    const before = await stat(join(directory, SEGMENT));
    disk.space = 100;
    const refused = [commitOf('acme', 's1', headAfter(first)), commitOf('acme', 's2', undefined)];
    for (const answer of await Promise.allSettled(refused.map((commit) => log.commit(commit)))) {
      expect(answer).toMatchObject({ status: 'rejected', reason: unavailable });
    }
    expect(await stat(join(directory, SEGMENT))).toMatchObject({ size: before.size });
    expect(await reopenCopy(directory)).toMatchObject({ size: 1, events: [] });
    await expect(log.commit(refused[0] as (typeof refused)[0])).rejects.toMatchObject(unavailable);
    expect([log.size, log.head('acme', 's2')]).toEqual([1, undefined]);

    disk.space = Number.POSITIVE_INFINITY;
    for (const commit of refused) expect(await log.commit(commit)).toMatchObject({ ok: true });
    expect(names()).toEqual(['record_key_created', 'journal_write_failed', 'journal_recovered']);
    await log.close();
    expect(await reopenCopy(directory)).toMatchObject({ size: 3, events: [] });
  });

  it('at the beginning of a segment leaves the one before as it was', async () => {
    const { directory, disk, log } = await openFaulty({ segmentBytes: 1 });
    const first = commitOf('acme', 's1', undefined);
    await log.commit(first);
    for (const space of [0, 10, 60]) {
      disk.space = space;
      await expect(log.commit(commitOf('acme', 's1', headAfter(first)))).rejects.toMatchObject(unavailable);
      expect(await reopenCopy(directory)).toMatchObject({ size: 1, events: [] });
    }
    disk.space = Number.POSITIVE_INFINITY;
    expect(await log.commit(commitOf('acme', 's1', headAfter(first), 3))).toMatchObject({ ok: true });
    await log.close();
    expect(await reopenCopy(directory)).toMatchObject({ size: 4, events: [] });
  });

  it('delays the checkpoint, not the commits, and the checkpoint follows', async () => {
    const { disk, log, names } = await openFaulty({ checkpointEveryMs: 5 });
    disk.broken.add('replace');
    await log.commit(commitOf('acme', 's1', undefined));
    await expect.poll(names).toContain('checkpoint_failed');
    expect(log.checkpoint().size).toBe(0);
    await expect(log.flush()).rejects.toMatchObject(unavailable);
    expect(await log.commit(commitOf('acme', 's2', undefined))).toMatchObject({ ok: true });
    disk.broken.clear();
    await expect.poll(() => log.checkpoint().size, { timeout: 10_000 }).toBe(2);
    await log.close();
  });

  it('at the end still closes the log, and the next start publishes what is missing', async () => {
    const { directory, disk, log, names } = await openFaulty();
    await log.commit(commitOf('acme', 's1', undefined, 2));
    disk.broken.add('replace');
    await log.close();
    expect(names()).toContain('checkpoint_failed');
    expect(await reopenCopy(directory)).toMatchObject({ size: 2, events: [] });
  });
});

describe('a short write', () => {
  it('is continued until everything is there', async () => {
    const { directory, disk, log } = await openFaulty();
    disk.longestWrite = 7;
    const commit = commitOf('acme', 's1', undefined, 5);
    expect(await log.commit(commit)).toMatchObject({ ok: true });
    await log.close();
    expect(await reopenCopy(directory)).toMatchObject({ size: 5, events: [] });
  });
});

describe('a broken disk', () => {
  it.each<FaultyCall>(['write', 'datasync'])(
    'that fails to %s and to cut off poisons the log for good',
    async (call) => {
      const { directory, disk, log, names } = await openFaulty();
      const first = commitOf('acme', 's1', undefined);
      await log.commit(first);
      disk.broken.add(call).add('truncate');
      await expect(log.commit(commitOf('acme', 's2', undefined))).rejects.toMatchObject(unavailable);
      disk.broken.clear();
      const poisoned = { ...unavailable, message: expect.stringContaining(join(directory, SEGMENT)) };
      await expect(log.commit(commitOf('acme', 's3', undefined))).rejects.toMatchObject(poisoned);
      expect(names()).toEqual(['record_key_created', 'journal_write_failed', 'journal_poisoned']);
      expect([log.size, log.head('acme', 's1')?.seq]).toEqual([1, 0]);
      await log.close();
    },
  );

  it('that fails to sync does not count as durable what it took', async () => {
    const { directory, disk, log } = await openFaulty();
    await log.commit(commitOf('acme', 's1', undefined));
    const cutBefore = disk.calls.get('truncate') ?? 0;
    let failures = 1;
    const { add } = disk.broken;
    add.call(disk.broken, 'datasync');
    const attempt = log.commit(commitOf('acme', 's2', undefined));
    // The sync of the write fails; that of the cut succeeds.
    const timer = setInterval(() => {
      if ((disk.calls.get('truncate') ?? 0) > cutBefore && failures-- > 0) disk.broken.clear();
    }, 0);
    await expect(attempt).rejects.toMatchObject(unavailable);
    clearInterval(timer);
    expect(await reopenCopy(directory)).toMatchObject({ size: 1 });
    await log.close();
  });
});

describe('any order of disk failures', () => {
  it('leaves exactly the commits that were answered', async () => {
    const step = fc.record({
      space: fc.option(fc.nat(900)),
      longestWrite: fc.option(fc.integer({ min: 1, max: 400 })),
      commits: fc.integer({ min: 1, max: 4 }),
    });
    const steps = fc.array(step, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom(1, 600, 100_000), async (history, segmentBytes) => {
        const { directory, disk, log } = await openFaulty({ segmentBytes });
        const answered = new Map<string, string>();
        let number = 0;
        for (const { space, longestWrite, commits } of history) {
          disk.space = space ?? Number.POSITIVE_INFINITY;
          disk.longestWrite = longestWrite ?? Number.POSITIVE_INFINITY;
          const group = Array.from({ length: commits }, () => commitOf('acme', `s${number++}`, undefined));
          const answers = await Promise.allSettled(group.map((commit) => log.commit(commit)));
          answers.forEach((answer, position) => {
            const commit = group[position] as (typeof group)[0];
            if (answer.status === 'fulfilled') answered.set(commit.session, headAfter(commit).digest);
          });
        }
        const found = await reopenCopy(directory);
        expect(found.events).toEqual([]);
        const heads = [...found.log.heads()].map(({ session, digest }) => [session, digest] as const);
        expect(new Map(heads)).toEqual(answered);
        disk.space = Number.POSITIVE_INFINITY;
        await log.close();
      }),
      { numRuns: 25 },
    );
  });
});
