import { cp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatCheckpoint, signNote } from '@provability-fabric/kernel';
import { commitOf, headAfter } from '@provability-fabric/testkit';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unsyncedFiles } from '../testing/fault-shim.ts';
import { crypto, ORIGIN, openTestLog, temporaryFolders, testKeys } from '../testing/log-fixture.ts';
import type { FileLog } from './file-log.ts';
import { type Frame, readFrame, writeFrame } from './frame.ts';
import { indexPath, SEGMENT_HEADER_BYTES, segmentPath, segmentsIn } from './segment.ts';
import { SegmentIndex } from './segment-index.ts';
import { encodeSegmentIndex } from './segment-index-codec.ts';
import { readStoredIndex } from './segment-index-file.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const files = unsyncedFiles();
/** A log of 520 entries in several segments, closed. */
let sound: string;
let damaged: string;

beforeAll(async () => {
  sound = await folders.make();
  const { log } = await openTestLog(sound, { segmentBytes: 30_000, files });
  for (let i = 0; i < 26; i++)
    await log.commit(commitOf('acme', `s${i % 4}`, log.head('acme', `s${i % 4}`), 20));
  await log.close();
  damaged = await folders.make();
  await cp(sound, damaged, { recursive: true });
});

/** Does something with one file changed as told and the rest as it was. */
async function withDamage(name: string, change: (bytes: Buffer) => Uint8Array, use: () => Promise<unknown>) {
  const before = await readFile(join(sound, name));
  await writeFile(join(damaged, name), change(Buffer.from(before)));
  await use();
  await writeFile(join(damaged, name), before);
}

/** As before the damage, for tests after which more than one file differs. */
async function restore(): Promise<void> {
  await rm(damaged, { recursive: true });
  await cp(sound, damaged, { recursive: true });
}

function flip(pick: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const bit = pick % (bytes.length * 8);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    return bytes;
  };
}

const open = () => openTestLog(damaged, { files });

async function readEverything(log: FileLog): Promise<number> {
  let count = 0;
  for (const { tenant, session } of log.heads()) {
    for await (const { record } of log.readSession(tenant, session)) count += record === null ? 0 : 1;
  }
  return count;
}

async function shipEverything(log: FileLog): Promise<void> {
  const limit = { entries: 50, bytes: 10_000 };
  for (let from = 0; from < log.size; ) from += (await log.entries(from, limit)).length;
}

async function filesNamed(ending: string): Promise<string[]> {
  return (await filesUnder('journal')).filter((name) => name.endsWith(ending));
}

async function filesUnder(name: string): Promise<string[]> {
  const entries = await readdir(join(sound, name), { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return paths.map((path) => path.slice(sound.length + 1)).sort();
}

afterEach(restore);

describe('any flipped bit', () => {
  it('of a segment that is read is named when the log is opened, and nothing is changed', async () => {
    const segments = await filesNamed('.seg');
    expect(segments.length).toBeGreaterThan(2);
    for (const name of await filesNamed('.idx')) await rm(join(damaged, name));
    const property = fc.asyncProperty(fc.constantFrom(...segments), fc.nat(), (name, pick) =>
      withDamage(name, flip(pick), async () => {
        const before = await readFile(join(damaged, name));
        await expect(open()).rejects.toMatchObject({
          code: 'EVIDENCE_CORRUPT',
          message: expect.stringContaining(join(damaged, name)),
        });
        expect(before.equals(await readFile(join(damaged, name)))).toBe(true);
        expect(segmentsIn(await readdir(join(damaged, 'journal')))).toHaveLength(segments.length);
      }),
    );
    await fc.assert(property, { numRuns: 50 });
  });

  it('of the last segment is named when the log is opened', async () => {
    const last = (await filesNamed('.seg')).at(-1) as string;
    const property = fc.asyncProperty(fc.nat(), (pick) =>
      withDamage(last, flip(pick), async () => {
        await expect(open()).rejects.toMatchObject({
          code: 'EVIDENCE_CORRUPT',
          message: expect.stringContaining(join(damaged, last)),
        });
      }),
    );
    await fc.assert(property, { numRuns: 30 });
  });

  it('of a segment that is taken from its index is named when it is read and by an audit', async () => {
    const complete = (await filesNamed('.seg')).slice(0, -1);
    const property = fc.asyncProperty(fc.constantFrom(...complete), fc.nat(), (name, pick) =>
      withDamage(name, flip(pick), async () => {
        const named = { code: 'EVIDENCE_CORRUPT', message: expect.stringContaining(join(damaged, name)) };
        const found = await open().catch((error: unknown) => error);
        // Its first and its last bytes are looked at in any case.
        if (found instanceof Error) return expect(found).toMatchObject(named);
        const { log } = found as Awaited<ReturnType<typeof open>>;
        await expect(readEverything(log)).rejects.toMatchObject(named);
        await expect(log.audit()).rejects.toMatchObject(named);
        await expect(shipEverything(log)).rejects.toMatchObject(named);
        await log.close();
      }),
    );
    await fc.assert(property, { numRuns: 25 });
  });

  it('of an index is mended when the log is opened', async () => {
    const indexes = await filesNamed('.idx');
    expect(indexes.length).toBeGreaterThan(2);
    const property = fc.asyncProperty(fc.constantFrom(...indexes), fc.nat(), (name, pick) =>
      withDamage(name, flip(pick), async () => {
        const { log, events } = await open();
        expect(events).toEqual([]);
        expect(await readEverything(log)).toBe(520);
        expect(await log.audit()).toBe(520);
        await log.close();
        expect((await readFile(join(sound, name))).equals(await readFile(join(damaged, name)))).toBe(true);
      }),
    );
    await fc.assert(property, { numRuns: 20 });
  });

  it('of the checkpoint is named when the log is opened', async () => {
    const { size } = await stat(join(sound, 'log/checkpoint'));
    for (let bit = 0; bit < size * 8; bit += 3) {
      await withDamage('log/checkpoint', flip(bit), async () => {
        await expect(open()).rejects.toMatchObject({
          code: 'EVIDENCE_CORRUPT',
          message: expect.stringContaining(join(damaged, 'log/checkpoint')),
        });
      });
    }
  });

  it('of a tile is named when it is read, or mended when the log is opened', async () => {
    const tiles = await filesUnder('log/tile');
    expect(tiles).toHaveLength(7);
    const property = fc.asyncProperty(fc.constantFrom(...tiles), fc.nat(), (name, pick) =>
      withDamage(name, flip(pick), async () => {
        const { log, events } = await open();
        const named = expect.objectContaining({
          code: 'EVIDENCE_CORRUPT',
          message: expect.stringContaining(join(damaged, name)),
        });
        if (name.includes('.p/')) {
          // The edge is what opening reads: it does not lead to the signed root, so the journal is asked.
          expect(events).toEqual([{ event: 'tiles_rebuilt', details: { size: 520 } }]);
          expect(await log.audit()).toBe(520);
          expect((await readFile(join(sound, name))).equals(await readFile(join(damaged, name)))).toBe(true);
        } else {
          expect(events).toEqual([]);
          if (!name.includes('entries')) await expect(readEverything(log)).rejects.toThrow(named);
          await expect(log.audit()).rejects.toThrow(named);
        }
        await log.close();
        await restore();
      }),
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it('of a tile is mended as the message says', async () => {
    await withDamage('log/tile/0/000', flip(99), async () => {
      await rename(join(damaged, 'log/tile'), join(damaged, 'log/tile.aside'));
      const { log, events } = await open();
      expect(events).toMatchObject([{ event: 'tiles_rebuilt' }]);
      expect(await log.audit()).toBe(520);
      expect(await readEverything(log)).toBe(520);
      await log.close();
    });
  });
});

describe('a journal that somebody rewrote, checksums included', () => {
  /** Rewrites every frame of the first segment that the change concerns. */
  function rewrite(change: (frame: Frame, number: number) => Frame): (bytes: Buffer) => Buffer {
    return (bytes) => {
      let number = 0;
      for (let offset = SEGMENT_HEADER_BYTES; offset < bytes.length; ) {
        const place = { segment: 0, offset };
        const read = readFrame(Buffer.from(bytes), offset, place);
        if (read === undefined) throw new Error('no frame');
        writeFrame(bytes, offset, change(read.frame, number++), place, read.groupStart);
        offset = read.end;
      }
      return bytes;
    };
  }
  const inFirst = (entries: (frame: Frame) => Frame['entries']) => (frame: Frame, number: number) =>
    number === 0 ? { ...frame, entries: entries(frame) } : frame;
  const [segment = ''] = ['journal/0000000000000000.seg'];

  it.each([
    ['an envelope', 'envelope'],
    ['a salt', 'salt'],
  ] as const)('with %s exchanged is named when the entry is read', async (_, member) => {
    const change = inFirst(({ entries: [first, second, ...rest] }) => {
      if (first === undefined || second === undefined) throw new Error('no entries');
      return [{ ...first, [member]: second[member] }, { ...second, [member]: first[member] }, ...rest];
    });
    await withDamage(segment, rewrite(change), async () => {
      const { log } = await open();
      const named = { code: 'EVIDENCE_CORRUPT', message: expect.stringMatching(`${segment}.* index 0`) };
      await expect(readEverything(log)).rejects.toMatchObject(named);
      await expect(log.audit()).rejects.toMatchObject(named);
      await log.close();
    });
  });

  it('with sealed records exchanged is named when a record is opened', async () => {
    const change = inFirst(({ entries: [first, second, ...rest] }) => {
      if (first === undefined || second === undefined) throw new Error('no entries');
      const [a, b] = [first.sealedRecord, second.sealedRecord];
      return [{ ...first, sealedRecord: b }, { ...second, sealedRecord: a }, ...rest];
    });
    await withDamage(segment, rewrite(change), async () => {
      const { log } = await open();
      await expect(readEverything(log)).rejects.toMatchObject({ code: 'RECORD_UNREADABLE' });
      await log.close();
    });
  });

  it('without tiles is refused when the log is opened: the journal alone has to lead to the checkpoint', async () => {
    const change = inFirst(({ entries }) => entries.map((entry) => ({ ...entry, salt: new Uint8Array(32) })));
    await withDamage(segment, rewrite(change), async () => {
      await rm(join(damaged, 'log/tile'), { recursive: true });
      await expect(open()).rejects.toMatchObject({
        code: 'EVIDENCE_CORRUPT',
        message: expect.stringContaining('log/checkpoint'),
      });
    });
  });

  it('with a session that jumps is refused, when it is opened, read or audited', async () => {
    const change = inFirst(({ entries }) => entries.map((entry) => ({ ...entry, seq: entry.seq + 1 })));
    await withDamage(segment, rewrite(change), async () => {
      const { log } = await open();
      const corrupt = { code: 'EVIDENCE_CORRUPT' };
      await expect(readEverything(log)).rejects.toMatchObject(corrupt);
      await expect(log.audit()).rejects.toMatchObject({ ...corrupt, message: /gap/ });
      await log.close();
      for (const name of await filesNamed('.idx')) await rm(join(damaged, name));
      await expect(open()).rejects.toMatchObject({ ...corrupt, message: /gap/ });
    });
  });

  it('or rather its index, so that a session is not known, is found by an audit', async () => {
    const directory = await folders.make();
    const { log } = await openTestLog(directory, { segmentBytes: 1, files });
    for (const session of ['hidden', 'other', 'last']) await log.commit(commitOf('acme', session, undefined));
    await log.close();
    const journal = join(directory, 'journal');
    const stored = await readStoredIndex(crypto, journal, 0);
    if (stored === undefined) throw new Error('no index');
    const parts = stored.index.parts.map((part) => ({ ...part, session: 'nobody' }));
    const index = SegmentIndex.from(0, parts, [...stored.index.rows()]);
    if (index === undefined) throw new Error('no index');
    await writeFile(indexPath(journal, 0), encodeSegmentIndex(crypto, { ...stored, index }));
    const { log: deceived } = await openTestLog(directory, { files });
    expect(deceived.head('acme', 'hidden')).toBeUndefined();
    await expect(deceived.audit()).rejects.toMatchObject({ code: 'EVIDENCE_CORRUPT', message: /hidden/ });
    await deceived.close();
  });
});

describe('a checkpoint and a journal of different age', () => {
  it('are refused when the checkpoint is ahead', async () => {
    await withDamage(
      'log/checkpoint',
      (bytes) => bytes,
      async () => {
        const last = segmentsIn(await readdir(join(damaged, 'journal'))).at(-1) as number;
        await rm(segmentPath(join(damaged, 'journal'), last));
        await expect(open()).rejects.toMatchObject({
          code: 'EVIDENCE_CORRUPT',
          message: expect.stringMatching(`covers 520 entries, but the journal .* holds ${last}`),
        });
      },
    );
  });

  it('are refused when the checkpoint is missing', async () => {
    await withDamage(
      'log/checkpoint',
      (bytes) => bytes,
      async () => {
        await rm(join(damaged, 'log/checkpoint'));
        await expect(open()).rejects.toMatchObject({ code: 'EVIDENCE_CORRUPT', message: /missing/ });
      },
    );
  });

  it('are refused when the checkpoint signs another tree or another log', async () => {
    const { ring } = await testKeys();
    for (const origin of [ORIGIN, 'other.example/log']) {
      const root = new Uint8Array(32);
      const note = signNote(formatCheckpoint({ origin, size: 520, root, extensions: [] }), [
        ring.logSigner(),
      ]);
      await withDamage(
        'log/checkpoint',
        () => Buffer.from(note),
        async () => {
          await expect(open()).rejects.toMatchObject({
            code: 'EVIDENCE_CORRUPT',
            message: expect.stringContaining('log/checkpoint'),
          });
        },
      );
    }
  });

  it('go on together when the checkpoint is older', async () => {
    const directory = await folders.make();
    const { log } = await openTestLog(directory, { files });
    const first = commitOf('acme', 's1', undefined, 2);
    await log.commit(first);
    const { note } = await log.flush();
    await log.commit(commitOf('acme', 's1', headAfter(first), 300));
    await log.close();
    await writeFile(join(directory, 'log/checkpoint'), note);
    const again = await openTestLog(directory, { files });
    expect(again.events).toEqual([]);
    expect(again.log.checkpoint().size).toBe(302);
    expect(await again.log.audit()).toBe(302);
    expect(Buffer.from(again.log.rootAt(2))).toEqual(Buffer.from(log.openCheckpoint(note).root));
    await again.log.close();
  });
});
