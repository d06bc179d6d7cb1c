import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  equalBytes,
  leafHash,
  openNote,
  parseCheckpoint,
  treeRoot,
  verifyConsistencyForLog,
  verifyInclusion,
} from '@provability-fabric/kernel';
import { commitOf, headAfter, journalContract } from '@provability-fabric/testkit';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { unsyncedFiles } from '../testing/fault-shim.ts';
import { crypto, ORIGIN, openTestLog, temporaryFolders, testKeys } from '../testing/log-fixture.ts';
import { readFileLog } from './file-log.ts';
import { leafData } from './journal-reader.ts';
import type { LogReading } from './log-reading.ts';
import { openRecordSealer } from './record-sealer.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

journalContract('the file log', async () => {
  const directory = await folders.make();
  let { log } = await openTestLog(directory);
  return {
    journal: log,
    async reopen() {
      await log.close();
      ({ log } = await openTestLog(directory));
      return log;
    },
    close: () => log.close(),
  };
});

journalContract('the file log with a segment a commit', async () => {
  const directory = await folders.make();
  const { log } = await openTestLog(directory, {
    segmentBytes: 1,
    checkpointEveryMs: 1,
    checkpointEveryEntries: 2,
  });
  return { journal: log, close: () => log.close() };
});

/** Every proof of the log at its checkpoint, checked against leaves taken from the journal. */
async function checkProofs(log: LogReading): Promise<void> {
  const { size, root } = await log.flush();
  const leaves: Uint8Array[] = [];
  for await (const statement of log.scan()) leaves.push(leafHash(crypto, leafData(crypto, statement)));
  expect(leaves).toHaveLength(size);
  expect(equalBytes(treeRoot(crypto, leaves), root)).toBe(true);
  for (const [index, leaf] of leaves.entries()) {
    const proof = log.inclusionProof(index, size);
    expect(verifyInclusion(crypto, { index, size, leaf, proof, root })).toEqual({ ok: true });
  }
}

describe('the file log', () => {
  it('refuses commits after it was closed', async () => {
    const { log } = await openTestLog(await folders.make());
    await log.close();
    await expect(log.commit(commitOf('acme', 's1', undefined))).rejects.toMatchObject({
      code: 'EVIDENCE_UNAVAILABLE',
    });
  });

  it.each([
    ['a tenant with a control character', { tenant: 'ac\nme' }],
    ['a seq that does not follow', { expectedSeq: 3 }],
    [
      'a digest where there is no statement',
      { expectedDigest: headAfter(commitOf('a', 'b', undefined)).digest },
    ],
    ['a salt of another length', { salt: new Uint8Array(31) }],
    ['a digest that is none', { digest: 'g'.repeat(64) }],
    ['64 MiB', { record: new Uint8Array(64 * 1024 * 1024) }],
  ])('refuses %s as a mistake of its caller', async (_, change) => {
    const { log } = await openTestLog(await folders.make());
    const commit = commitOf('acme', 's1', undefined);
    const bad = { ...commit, ...change, entries: [{ ...commit.entries[0], ...change }] } as typeof commit;
    await expect(log.commit(bad)).rejects.toMatchObject({ code: 'BAD_COMMIT' });
    expect(log.size).toBe(0);
    await log.close();
  });

  it('refuses at once what its queue has no room for, and takes it later', async () => {
    const { log } = await openTestLog(await folders.make());
    const commits = Array.from({ length: 8200 }, (_, i) => commitOf('acme', `s${i}`, undefined));
    const results = await Promise.allSettled(commits.map((commit) => log.commit(commit)));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
    expect(refused).toEqual(Array(8).fill('EVIDENCE_UNAVAILABLE'));
    expect(await log.commit(commits.at(-1) as (typeof commits)[0])).toMatchObject({ ok: true });
    await log.close();
  });

  it('begins with a signed checkpoint of nothing', async () => {
    const directory = await folders.make();
    const { log } = await openTestLog(directory);
    const note = await readFile(join(directory, 'log', 'checkpoint'), 'utf8');
    expect(log.openCheckpoint(note)).toMatchObject({ origin: ORIGIN, size: 0 });
    expect(log.checkpoint().note).toBe(note);
    await log.close();
  });

  it('publishes by itself soon after a commit, and covers durable entries only', async () => {
    const directory = await folders.make();
    const { log } = await openTestLog(directory, { checkpointEveryMs: 20 });
    await log.commit(commitOf('acme', 's1', undefined, 3));
    const path = join(directory, 'log', 'checkpoint');
    await expect.poll(async () => log.openCheckpoint(await readFile(path, 'utf8')).size).toBe(3);
    await log.close();
  });

  it('publishes as soon as enough is new, without waiting for the timer', async () => {
    const { log } = await openTestLog(await folders.make(), { checkpointEveryEntries: 4 });
    await log.commit(commitOf('acme', 's1', undefined, 3));
    expect(log.checkpoint().size).toBe(0);
    await log.commit(commitOf('acme', 's2', undefined, 3));
    await expect.poll(() => log.checkpoint().size).toBe(6);
    await log.close();
  });

  it('lays its tiles out as C2SP tlog-tiles says, without partial ones that a full one replaced', async () => {
    const directory = await folders.make();
    const { log } = await openTestLog(directory);
    for (const size of [200, 256, 300]) {
      await log.commit(commitOf('acme', `upTo${size}`, undefined, size - log.size));
      await log.flush();
    }
    const names = await readdir(join(directory, 'log'), { recursive: true, withFileTypes: true });
    const files = names.filter((name) => name.isFile()).map((name) => join(name.parentPath, name.name));
    expect(files.map((file) => file.slice(join(directory, 'log').length + 1)).sort()).toEqual([
      'checkpoint',
      'tile/0/000',
      'tile/0/001.p/44',
      'tile/1/000.p/1',
      'tile/entries/000',
      'tile/entries/001.p/44',
    ]);
    const tile = await readFile(join(directory, 'log', 'tile/entries/000'));
    expect([tile.length, tile.readUInt16BE(0), tile.readUInt16BE(34)]).toEqual([256 * 34, 32, 32]);
    await log.close();
  });

  it('proves every entry and every earlier checkpoint, across tiles and restarts', async () => {
    const directory = await folders.make();
    const olds: { size: number; root: Uint8Array }[] = [];
    let session = 0;
    for (const step of [1, 254, 1, 1, 300, 40, 170]) {
      const { log, events } = await openTestLog(directory, { segmentBytes: 40_000 });
      expect(events.filter(({ event }) => event !== 'record_key_created')).toEqual([]);
      await log.commit(commitOf('acme', `s${session++}`, undefined, step));
      const { size, root, note } = await log.flush();
      for (const old of olds) {
        const proof = log.consistencyProof(old.size, size);
        const claim = { oldSize: old.size, newSize: size, oldRoot: old.root, newRoot: root, proof };
        expect(verifyConsistencyForLog(crypto, claim)).toEqual({ ok: true });
        expect(equalBytes(log.rootAt(old.size), old.root)).toBe(true);
      }
      olds.push(log.openCheckpoint(note));
      await checkProofs(log);
      expect(await log.audit()).toBe(size);
      await log.close();
    }
  });

  it('is the same tree however its commits are cut up and flushed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 }),
        async (steps) => {
          const { log } = await openTestLog(await folders.make(), { files: unsyncedFiles() });
          for (const [i, step] of steps.entries()) {
            await log.commit(commitOf('acme', `s${i}`, undefined, step));
            if (step % 3 === 0) await log.flush();
          }
          await checkProofs(log);
          await log.close();
        },
      ),
      { numRuns: 12 },
    );
  });

  it('can be read while it is written to, as far as its checkpoint goes, and is not touched by that', async () => {
    const directory = await folders.make();
    const { log } = await openTestLog(directory, { segmentBytes: 30_000 });
    const { ring } = await testKeys();
    const records = openRecordSealer({ directory: join(directory, 'keys'), emit: () => undefined });
    const read = () =>
      readFileLog({ directory, origin: ORIGIN, crypto, verifiers: ring.logVerifiers(), records });
    await log.commit(commitOf('acme', 's1', undefined, 200));
    const early = await read();
    expect([early.size, early.head('acme', 's1')]).toEqual([0, undefined]);
    await log.flush();
    const reading = await read();
    // More than a tile and a segment later the same reading still stands.
    for (let i = 0; i < 3; i++) await log.commit(commitOf('acme', 's1', log.head('acme', 's1'), 70));
    await log.flush();
    expect([reading.size, reading.head('acme', 's1')?.seq, reading.findings]).toEqual([200, 199, []]);
    let count = 0;
    for await (const { record } of reading.readSession('acme', 's1')) count += record === null ? 0 : 1;
    expect(count).toBe(200);
    await checkProofs(reading);
    expect(await reading.audit()).toBe(200);
    await log.commit(commitOf('acme', 's2', undefined));
    expect((await read()).size).toBe(410);
    await log.close();
    expect((await read()).size).toBe(411);
    await rm(join(directory, 'log', 'tile'), { recursive: true });
    const withoutTiles = await read();
    expect(withoutTiles.findings).toEqual([expect.stringContaining('tiles are incomplete')]);
    await checkProofs(withoutTiles);
    expect(await readdir(join(directory, 'log'))).toEqual(['checkpoint']);
  });

  it('is not made by reading it', async () => {
    const directory = await folders.make();
    const { ring } = await testKeys();
    const records = openRecordSealer({ directory, emit: () => undefined });
    const reading = readFileLog({
      directory,
      origin: ORIGIN,
      crypto,
      verifiers: ring.logVerifiers(),
      records,
    });
    await expect(reading).rejects.toMatchObject({ code: 'NOT_IN_LOG' });
    expect(await readdir(directory)).toEqual([]);
  });

  it('writes checkpoints that any signed-note reader opens', async () => {
    const { log } = await openTestLog(await folders.make());
    await log.commit(commitOf('acme', 's1', undefined, 2));
    const { note, size, root } = await log.flush();
    expect(() => openNote(crypto, note, [])).toThrow(expect.objectContaining({ code: 'NOTE_UNVERIFIED' }));
    const [text = ''] = note.split('\n\n');
    expect(parseCheckpoint(`${text}\n`)).toEqual({ origin: ORIGIN, size, root, extensions: [] });
    await log.close();
  });
});
