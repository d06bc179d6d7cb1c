import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commitOf, headAfter } from '@provability-fabric/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultShim, unsyncedFiles } from '../testing/fault-shim.ts';
import { openTestLog, temporaryFolders } from '../testing/log-fixture.ts';
import { frameSizeAt } from './frame.ts';
import { SEGMENT_HEADER_BYTES } from './segment.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const SEGMENT = 'journal/0000000000000000.seg';
const files = unsyncedFiles();

/**
 * A folder as a crash leaves it: two entries under the checkpoint, then a group of two, then a group of
 * three.
 */
let crashed: string;
let segment: Buffer;
/** Where each frame begins, and the end; the number of entries before each. */
const borders: number[] = [];
const counts = [0, 1, 2, 3, 5, 6, 7, 9];

beforeAll(async () => {
  const directory = await folders.make();
  crashed = await folders.make();
  const { log } = await openTestLog(directory);
  const commit = (session: string, count = 1) => log.commit(commitOf('acme', session, undefined, count));
  await commit('a');
  await commit('b');
  await log.flush();
  await Promise.all([commit('c'), commit('d', 2)]);
  await Promise.all([commit('e'), commit('f'), commit('g', 2)]);
  await cp(directory, crashed, { recursive: true });
  await log.close();
  segment = await readFile(join(crashed, SEGMENT));
  for (let at = SEGMENT_HEADER_BYTES; at < segment.length; at += frameSizeAt(segment, at) as number)
    borders.push(at);
  borders.push(segment.length);
  expect(borders).toHaveLength(counts.length);
});

async function withSegment(bytes: Uint8Array): Promise<string> {
  const directory = await folders.make();
  await cp(crashed, directory, { recursive: true });
  await writeFile(join(directory, SEGMENT), bytes);
  return directory;
}

/**
 * Opens what a crash left, and holds it against the frames that are whole. The folder is `crashed` but for
 * that.
 */
async function expectCut(directory: string, bytes: Uint8Array, wholeFrames: number): Promise<void> {
  for (const name of await readdir(join(directory, 'journal'))) await rm(join(directory, 'journal', name));
  await cp(join(crashed, 'log/checkpoint'), join(directory, 'log/checkpoint'));
  await writeFile(join(directory, SEGMENT), bytes);
  const { log, events } = await openTestLog(directory, { files });
  const end = borders[wholeFrames] as number;
  const size = counts[wholeFrames] as number;
  expect(log.size).toBe(size);
  expect(log.checkpoint().size).toBe(size);
  const torn = bytes.subarray(end);
  const kept = (await readdir(join(directory, 'journal'))).filter((name) => name.startsWith('torn'));
  if (torn.length === 0) {
    expect([events, kept]).toEqual([[], []]);
  } else {
    expect(kept).toEqual([`torn-${size}-0.bin`]);
    expect(events).toEqual([
      {
        event: 'journal_torn_tail',
        details: { segment: 0, offset: end, index: size, bytes: torn.length, kept: kept[0] },
      },
    ]);
    expect(Buffer.from(torn).equals(await readFile(join(directory, 'journal', kept[0] as string)))).toBe(
      true,
    );
  }
  if (bytes.length % 8 !== 0) return log.close();
  // What was cut off is free again, and nothing of it is left behind the new commit.
  const again = commitOf('acme', 'g', log.head('acme', 'g'), 1, 'again');
  expect(await log.commit(again)).toEqual({ ok: true, firstIndex: size });
  await log.close();
  const reopened = await openTestLog(directory, { files });
  expect(reopened.events).toEqual([]);
  expect(reopened.log.head('acme', 'g')).toMatchObject(headAfter(again));
  expect(await reopened.log.audit()).toBe(size + 1);
  await reopened.log.close();
}

describe('a torn tail', () => {
  it('is cut off at the last whole frame, wherever in the last writes the crash came, and kept aside', async () => {
    const directory = await withSegment(segment);
    // Every offset of the last frame of both groups; in between it is the same code at other lengths.
    const [, , checkpointed = 0, secondFrame = 0, lastGroup = 0, , lastFrame = 0] = borders;
    for (let length = checkpointed; length <= segment.length; length++) {
      const everyOffset = length <= lastGroup ? length >= secondFrame : length >= lastFrame;
      if (!everyOffset && length % 5 !== 0) continue;
      await expectCut(
        directory,
        segment.subarray(0, length),
        borders.filter((border) => border <= length).length - 1,
      );
    }
  });

  it('is cut off before the first damaged frame of the last write, though later ones of it are whole', async () => {
    const directory = await withSegment(segment);
    for (let at = borders[4] as number; at < segment.length; at += 7) {
      const damaged = Buffer.from(segment);
      damaged[at] = (damaged[at] as number) ^ 0x20;
      await expectCut(directory, damaged, borders.filter((border) => border <= at).length - 1);
    }
  });

  it.each([
    ['zeros', Buffer.alloc(5000)],
    ['noise', Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 89) % 256))],
    ['the beginning of a frame and nothing more', Buffer.from([0x89, 0x50, 0x46, 0x31])],
  ])('of %s behind whole frames is cut off', async (_, rest) => {
    await expectCut(await withSegment(segment), Buffer.concat([segment, rest]), 7);
  });

  it('that is not the last write is refused: what followed proves that it was answered', async () => {
    for (let at = borders[2] as number; at < (borders[4] as number); at += 11) {
      const damaged = Buffer.from(segment);
      damaged[at] = (damaged[at] as number) ^ 0x01;
      const directory = await withSegment(damaged);
      await expect(openTestLog(directory, { files })).rejects.toMatchObject({
        code: 'EVIDENCE_CORRUPT',
        message: expect.stringMatching(new RegExp(`${SEGMENT}.*damaged at index [23].*later write`)),
      });
      expect(damaged.equals(await readFile(join(directory, SEGMENT)))).toBe(true);
    }
  });

  it('is kept under another name when there was one before', async () => {
    const directory = await withSegment(segment.subarray(0, -1));
    await writeFile(join(directory, 'journal/torn-7-0.bin'), 'from an earlier crash');
    const { log } = await openTestLog(directory, { files });
    expect(await readdir(join(directory, 'journal'))).toContain('torn-7-1.bin');
    expect(await readFile(join(directory, 'journal/torn-7-0.bin'), 'utf8')).toBe('from an earlier crash');
    await log.close();
  });
});

describe('a torn tail on a full disk', () => {
  it('stays where it is until it can be kept aside', async () => {
    const directory = await withSegment(segment.subarray(0, -1));
    const disk = new FaultShim();
    disk.space = 0;
    await expect(openTestLog(directory, { files: disk })).rejects.toMatchObject({
      code: 'EVIDENCE_UNAVAILABLE',
      message: expect.stringContaining('ENOSPC'),
    });
    expect(segment.subarray(0, -1).equals(await readFile(join(directory, SEGMENT)))).toBe(true);
  });
});

describe('a segment whose making was interrupted', () => {
  it.each([0, 5, SEGMENT_HEADER_BYTES])('after %i bytes is dropped', async (length) => {
    const directory = await withSegment(segment);
    await writeFile(join(directory, 'journal/0000000000000009.seg'), segment.subarray(0, length));
    const { log, events } = await openTestLog(directory, { files, segmentBytes: 1 });
    expect([log.size, events]).toEqual([9, []]);
    await log.commit(commitOf('acme', 'h', undefined));
    await log.close();
    const again = await openTestLog(directory, { files });
    expect(await again.log.audit()).toBe(10);
    await again.log.close();
  });

  it('excuses no damage in the segment before it', async () => {
    const directory = await withSegment(segment.subarray(0, -1));
    await writeFile(join(directory, 'journal/0000000000000009.seg'), '');
    await expect(openTestLog(directory, { files })).rejects.toMatchObject({
      code: 'EVIDENCE_CORRUPT',
      message: expect.stringContaining('a later segment follows'),
    });
  });

  it('is recognised by a missing one: entries do not jump', async () => {
    const directory = await withSegment(segment);
    await rename(join(directory, SEGMENT), join(directory, 'journal/0000000000000004.seg'));
    await expect(openTestLog(directory, { files })).rejects.toMatchObject({ code: 'EVIDENCE_CORRUPT' });
  });
});
