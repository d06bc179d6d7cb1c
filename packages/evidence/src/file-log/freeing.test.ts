import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes, leafHash, verifyInclusion } from '@provability-fabric/kernel';
import { commitOf, headAfter } from '@provability-fabric/testkit';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { ArchivedStatement, LogEntry, SessionArchive } from '../ports.ts';
import { FaultShim, unsyncedFiles } from '../testing/fault-shim.ts';
import { crypto, ORIGIN, openTestLog, temporaryFolders, testKeys } from '../testing/log-fixture.ts';
import { type FileLog, type FileLogOptions, readFileLog } from './file-log.ts';
import { leafData } from './journal-reader.ts';
import { openRecordSealer } from './record-sealer.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

/** An archive of everything that a log committed, as the ledger has it. */
class FakeArchive implements SessionArchive {
  readonly entries: LogEntry[] = [];
  change: (statement: ArchivedStatement) => ArchivedStatement | undefined = (statement) => statement;

  async *session(tenant: string, session: string, fromSeq = 0) {
    for (const entry of this.entries) {
      if (entry.tenant !== tenant || entry.session !== session || entry.seq < fromSeq) continue;
      const { seq, envelope, salt, sealedRecord } = entry;
      const changed = this.change({ seq, envelope, salt, sealedRecord });
      if (changed !== undefined) yield changed;
    }
  }
}

const options = { segmentBytes: 3_000, keepBytes: 0, files: unsyncedFiles() };

async function filled(commits = 20, archive = new FakeArchive(), more: Partial<FileLogOptions> = {}) {
  const directory = await folders.make();
  const { log, events } = await openTestLog(directory, { ...options, archive, ...more });
  log.onDurable((entries) => archive.entries.push(...entries));
  for (let i = 0; i < commits; i++) await step(log, `s${i % 4}`);
  await log.flush();
  return { directory, log, events, archive };
}

async function step(log: FileLog, session: string): Promise<void> {
  const commit = commitOf('acme', session, log.head('acme', session), 3);
  expect(await log.commit(commit)).toMatchObject({ ok: true });
}

async function recordsOf(log: Pick<FileLog, 'readSession'>, session: string): Promise<string[]> {
  const records: string[] = [];
  let next = 0;
  for await (const { seq, record } of log.readSession('acme', session)) {
    expect(seq).toBe(next++);
    records.push(JSON.parse(Buffer.from(record ?? []).toString()).record);
  }
  return records;
}

/** Everything is as if nothing had been freed. */
async function expectWhole(log: FileLog, archive: FakeArchive, size: number): Promise<void> {
  expect(log.size).toBe(size);
  let count = 0;
  for (const { session, seq } of log.heads()) {
    const records = await recordsOf(log, session);
    expect(records).toEqual(Array.from({ length: seq + 1 }, (_, i) => `acme/${session}/${i}/`));
    count += records.length;
  }
  expect(count).toBe(size);
  expect(await log.audit()).toBe(size);
  const { root } = log.checkpoint();
  for (const entry of archive.entries) {
    const leaf = leafHash(crypto, leafData(crypto, entry));
    const proof = log.inclusionProof(entry.index, size);
    expect(verifyInclusion(crypto, { index: entry.index, size, leaf, proof, root })).toEqual({ ok: true });
  }
}

async function segmentsOf(directory: string): Promise<string[]> {
  return (await readdir(join(directory, 'journal'))).filter((name) => name.endsWith('.seg')).sort();
}

describe('a crash while the journal is freed', () => {
  /** From the n-th change of the disk on nothing happens any more, until the dead are buried. */
  function dyingFiles() {
    const files = unsyncedFiles();
    let left = Number.POSITIVE_INFINITY;
    let bury: () => void = () => undefined;
    const buried = new Promise<void>((resolve) => {
      bury = resolve;
    });
    const count = <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) => {
      return async (...args: Args): Promise<Result> => {
        if (left-- > 0) return call(...args);
        await buried;
        throw new Error('long dead');
      };
    };
    const { replace, remove, syncFolder } = files;
    return {
      files: { ...files, replace: count(replace), remove: count(remove), syncFolder: count(syncFolder) },
      dieAfter: (calls: number) => {
        left = calls;
      },
      async bury(log: FileLog) {
        left = Number.POSITIVE_INFINITY;
        bury();
        await log.close();
      },
    };
  }

  it('at any step leaves a log that has everything', async () => {
    const calls = 60;
    for (let at = 0; at < calls; at++) {
      const { files, dieAfter, bury } = dyingFiles();
      const { directory, log, archive } = await filled(20, new FakeArchive(), { files });
      dieAfter(at);
      const freed = await Promise.race([
        log.freeUpTo(log.size).then(
          () => true,
          () => false,
        ),
        new Promise<false>((resolve) => setTimeout(() => resolve(false), 15)),
      ]);
      const copy = await folders.make();
      await cp(directory, copy, { recursive: true });
      await bury(log);
      const again = (await openTestLog(copy, { ...options, archive })).log;
      await expectWhole(again, archive, 60);
      await step(again, 's1');
      await again.freeUpTo(again.size);
      await again.close();
      const left = await segmentsOf(copy);
      expect(left.every((name) => Number(name.slice(0, 16)) >= again.freed)).toBe(true);
      if (freed) return expect(at).toBeGreaterThan(5);
    }
    throw new Error('never freed');
  });

  it('is no crash on a full disk: refused by name, nothing is lost, and done later', async () => {
    const disk = new FaultShim();
    const { directory, log, archive } = await filled(20, new FakeArchive(), { files: disk });
    const before = await segmentsOf(directory);
    for (const call of ['replace', 'syncFolder'] as const) {
      disk.broken.add(call);
      await expect(log.freeUpTo(log.size)).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
      disk.broken.clear();
      if (call === 'replace') expect([log.freed, await segmentsOf(directory)]).toEqual([0, before]);
      await expectWhole(log, archive, 60);
    }
    await log.freeUpTo(log.size);
    expect((await segmentsOf(directory)).length).toBeLessThan(3);
    await expectWhole(log, archive, 60);
    await log.close();
  });
});

describe('what was freed', () => {
  it('is refused by name without an archive', async () => {
    const { directory, log } = await filled();
    await log.freeUpTo(log.size);
    expect(log.freed).toBeGreaterThan(40);
    await log.close();
    const { log: alone } = await openTestLog(directory, options);
    const { ring } = await testKeys();
    const records = openRecordSealer({ directory: join(directory, 'keys'), emit: () => undefined });
    const verifiers = ring.logVerifiers();
    const outside = await readFileLog({ directory, origin: ORIGIN, crypto, verifiers, records });
    for (const reading of [alone, outside]) {
      await expect(recordsOf(reading, 's0')).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
      await expect(reading.entries(0, { entries: 1, bytes: 1 })).rejects.toMatchObject({
        code: 'NOT_IN_LOG',
      });
      expect(await reading.audit()).toBe(60);
      expect(reading.freed).toBe(alone.freed);
      let first: number | undefined;
      for await (const { index } of reading.scan()) first ??= index;
      expect(first).toBe(alone.freed);
    }
    await alone.close();
  });

  it.each<[string, (statement: ArchivedStatement) => ArchivedStatement | undefined, string]>([
    ['another envelope', (s) => ({ ...s, envelope: Buffer.from('{}') }), 'not what this log committed to'],
    ['another salt', (s) => ({ ...s, salt: new Uint8Array(32) }), 'not what this log committed to'],
    ['a gap', (s) => (s.seq === 1 ? undefined : s), 'does not have seq 1'],
    ['no beginning', (s) => (s.seq === 0 ? undefined : s), 'does not have seq 0'],
    ['nothing', () => undefined, 'does not have seq 0'],
    ['two statements exchanged', (s) => ({ ...s, seq: s.seq === 0 ? 1 : s.seq === 1 ? 0 : s.seq }), 'seq 0'],
  ])('is refused when the archive answers with %s', async (_, change, message) => {
    const { log, archive } = await filled();
    await log.freeUpTo(log.size);
    archive.change = change;
    await expect(recordsOf(log, 's0')).rejects.toMatchObject({
      code: 'EVIDENCE_CORRUPT',
      message: expect.stringContaining(message),
    });
    await log.close();
  });

  it('is null where its record was erased there', async () => {
    const { log, archive } = await filled();
    await log.freeUpTo(log.size);
    archive.change = (statement) => ({ ...statement, sealedRecord: null });
    for await (const { record } of log.readSession('acme', 's0')) {
      expect(record).toBeNull();
      break;
    }
    await log.close();
  });

  it('needs its index and its tiles: without either the log is refused, and nothing is changed', async () => {
    const { directory, log, archive } = await filled();
    await log.freeUpTo(log.size);
    await log.close();
    const corrupt = { code: 'EVIDENCE_CORRUPT' };
    const journal = join(directory, 'journal');
    const names = await readdir(journal);
    const open = () => openTestLog(directory, { ...options, archive });
    for (const name of [...names.filter((each) => each.endsWith('.idx')).slice(0, 3), 'freed']) {
      const path = join(journal, name);
      const before = await readFile(path);
      await rm(path);
      await expect(open(), `without ${name}`).rejects.toMatchObject(corrupt);
      for (let bit = 0; bit < before.length * 8; bit += 101) {
        const damaged = Buffer.from(before);
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        await writeFile(path, damaged);
        await expect(open(), `${name}, bit ${bit}`).rejects.toMatchObject(corrupt);
      }
      await writeFile(path, before);
    }
    const entries = join(directory, 'log/tile/entries');
    await rename(join(directory, 'log/tile/0'), join(directory, 'aside'));
    const mended = await open();
    expect(mended.events).toMatchObject([{ event: 'tiles_rebuilt' }]);
    await expectWhole(mended.log, archive, 60);
    await mended.log.close();
    await rm(entries, { recursive: true });
    await expect(open()).rejects.toMatchObject(corrupt);
    expect(await readdir(journal)).toEqual(names);
  });
});

describe('freeing', () => {
  it('keeps the newest segments, and those beyond the checkpoint or the index', async () => {
    const { log, directory, events } = await filled(20, new FakeArchive(), { keepBytes: 5_000 });
    await log.freeUpTo(0);
    expect(log.freed).toBe(0);
    await log.freeUpTo(10);
    expect(log.freed).toBeLessThanOrEqual(10);
    await log.freeUpTo(log.size);
    const left = await segmentsOf(directory);
    let bytes = 0;
    for (const name of left) bytes += (await readFile(join(directory, 'journal', name))).length;
    expect(bytes).toBeGreaterThanOrEqual(5_000);
    expect(bytes).toBeLessThan(10_000);
    expect(events.filter(({ event }) => event === 'journal_freed').length).toBeGreaterThan(0);
    const { freed } = log;
    for (let i = 0; i < 20; i++) await step(log, 's9');
    await log.freeUpTo(log.size);
    expect(log.freed).toBeLessThanOrEqual(60);
    await log.flush();
    await log.freeUpTo(log.size);
    expect(log.freed).toBeGreaterThan(freed);
    await log.close();
  });

  it('leaves everything readable, in any order with commits, restarts and reading', async () => {
    const action = fc.constantFrom('commit', 'commit', 'free', 'restart', 'flush', 'read');
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 5, maxLength: 40 }),
        fc.constantFrom(1, 2_000, 6_000),
        fc.constantFrom(0, 5_000),
        async (actions, segmentBytes, keepBytes) => {
          const archive = new FakeArchive();
          const directory = await folders.make();
          const how = { files: unsyncedFiles(), segmentBytes, keepBytes, archive };
          const open = async () => {
            const { log } = await openTestLog(directory, how);
            log.onDurable((entries) => archive.entries.push(...entries));
            return log;
          };
          let log = await open();
          let number = 0;
          for (const next of actions) {
            if (next === 'commit') await step(log, `s${number++ % 3}`);
            if (next === 'flush') await log.flush();
            if (next === 'free') await log.freeUpTo(log.size);
            if (next === 'read') await recordsOf(log, 's0');
            if (next !== 'restart') continue;
            const { freed } = log;
            await log.close();
            log = await open();
            expect(log.freed).toBe(freed);
          }
          await log.flush();
          await expectWhole(log, archive, number * 3);
          await log.close();
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe('a session', () => {
  it('is read from any seq on as it is from the beginning, freed or not', async () => {
    const { log } = await filled();
    await log.freeUpTo(30);
    expect(log.freed).toBeGreaterThan(0);
    const from = async (seq?: number) => {
      const found: number[] = [];
      for await (const { seq: next } of log.readSession('acme', 's1', seq)) found.push(next);
      return found;
    };
    const whole = await from();
    expect(whole).toHaveLength(15);
    for (const seq of [0, 1, 4, 8, 14, 15, 99]) expect(await from(seq)).toEqual(whole.slice(seq));
    await log.close();
  });
});

describe('a session that another fabric went on with', () => {
  /** Two logs and the ledger that both ship into. */
  async function two() {
    const ledger = new FakeArchive();
    // Whoever takes a session over has to open its records: fabrics that share sessions share record keys.
    const records = openRecordSealer({ directory: await folders.make(), emit: () => undefined });
    const open = async () => {
      const { log } = await openTestLog(await folders.make(), { ...options, archive: ledger, records });
      return log;
    };
    const keep = (log: FileLog) => log.onDurable((entries) => ledger.entries.push(...entries));
    const [here, there] = [await open(), await open()];
    return { ledger, here, there, keep };
  }
  const next = (head: Parameters<typeof commitOf>[2], mark = '') => commitOf('acme', 's', head, 2, mark);

  it('goes on here from its head there and from nothing else, over restarts too', async () => {
    const directory = await folders.make();
    const archive = new FakeArchive();
    const elsewhere = next(undefined);
    const name = { tenant: 'acme', session: 's' };
    const nothing = new Uint8Array(0);
    archive.change = (statement) => (statement.seq < 2 ? { ...statement, sealedRecord: null } : statement);
    archive.entries.push(
      ...elsewhere.entries.map((entry, index) => ({ ...entry, ...name, index, sealedRecord: nothing })),
    );
    let { log } = await openTestLog(directory, { ...options, archive });
    const head = headAfter(elsewhere);
    expect(await log.commit(next(head))).toEqual({ ok: false, code: 'STALE_SESSION', seq: -1 });
    log.continueFrom({ tenant: 'acme', session: 's', ...head });
    expect(log.head('acme', 's')).toMatchObject(head);
    expect([...log.heads()]).toEqual([]);
    expect(await log.commit(next(undefined))).toEqual({ ok: false, code: 'STALE_SESSION', seq: 1 });
    const mine = next(head);
    const results = await Promise.all([log.commit(mine), log.commit(next(headAfter(mine)))]);
    expect(results).toEqual([
      { ok: true, firstIndex: 0 },
      { ok: true, firstIndex: 2 },
    ]);
    for (let restart = 0; restart < 3; restart++) {
      const indices: number[] = [];
      const seqs: number[] = [];
      for await (const { index, seq } of log.readSession('acme', 's')) {
        indices.push(index);
        seqs.push(seq);
      }
      expect([indices, seqs]).toEqual([
        [-1, -1, 0, 1, 2, 3],
        [0, 1, 2, 3, 4, 5],
      ]);
      expect([...log.heads()]).toMatchObject([{ seq: 5 }]);
      expect(await log.audit()).toBe(4);
      await log.close();
      ({ log } = await openTestLog(directory, { ...options, archive }));
    }
    await log.close();
  });

  it('and that comes back leaves out what was superseded here meanwhile', async () => {
    const { ledger, here, there, keep } = await two();
    const first = next(undefined);
    let stop = keep(here);
    await here.commit(first);
    stop();
    // Committed, never answered, and not in the ledger when the session was taken over.
    await here.commit(next(headAfter(first), 'superseded'));
    there.continueFrom({ tenant: 'acme', session: 's', ...headAfter(first) });
    const second = next(headAfter(first), 'there');
    stop = keep(there);
    await there.commit(second);
    stop();
    here.continueFrom({ tenant: 'acme', session: 's', ...headAfter(second) });
    keep(here);
    const third = next(headAfter(second), 'back');
    await here.commit(third);
    const marks: string[] = [];
    for await (const { envelope } of here.readSession('acme', 's')) {
      marks.push(JSON.parse(Buffer.from(envelope).toString()).envelope);
    }
    expect(marks).toEqual(
      ['0/', '1/', '2/there', '3/there', '4/back', '5/back'].map((name) => `acme/s/${name}`),
    );
    await here.flush();
    await there.flush();
    await here.freeUpTo(here.size);
    expect(ledger.entries).toHaveLength(6);
    await here.close();
    await there.close();
  });

  it('is continued as before where it ends as it did', async () => {
    const { here, there } = await two();
    const first = next(undefined);
    await here.commit(first);
    here.continueFrom({ tenant: 'acme', session: 's', ...headAfter(first) });
    await here.commit(next(headAfter(first)));
    const indices: number[] = [];
    for await (const { index } of here.readSession('acme', 's')) indices.push(index);
    expect(indices).toEqual([0, 1, 2, 3]);
    await here.close();
    await there.close();
  });
});

it('an index says of each segment what the segment says', async () => {
  const { directory, log } = await filled(40);
  await log.close();
  const without = await folders.make();
  await cp(directory, without, { recursive: true, filter: (path) => !path.endsWith('.idx') });
  const [a, b] = [(await openTestLog(directory, options)).log, (await openTestLog(without, options)).log];
  expect([...a.heads()]).toEqual([...b.heads()]);
  expect(equalBytes(a.rootAt(120), b.rootAt(120))).toBe(true);
  await a.close();
  await b.close();
  for (const name of (await readdir(join(directory, 'journal'))).filter((each) => each.endsWith('.idx'))) {
    const [left, right] = [directory, without].map((folder) => readFile(join(folder, 'journal', name)));
    expect((await left)?.equals((await right) ?? Buffer.alloc(0))).toBe(true);
  }
});
