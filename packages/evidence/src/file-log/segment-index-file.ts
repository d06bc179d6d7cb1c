import { type FileHandle, open, readFile } from 'node:fs/promises';
import type { Crypto } from '@provability-fabric/kernel';
import { hasSystemCode } from '../errors.ts';
import { FRAME_MAGIC, readFrame } from './frame.ts';
import { damagedSegment } from './journal-reader.ts';
import type { LogFiles } from './log-files.ts';
import { indexPath, isSegmentHeader, SEGMENT_HEADER_BYTES, segmentPath } from './segment.ts';
import { SegmentIndex } from './segment-index.ts';
import { decodeSegmentIndex, encodeSegmentIndex, type StoredIndex } from './segment-index-codec.ts';

/** The stored index of a segment; undefined where there is none, or a damaged one. */
export async function readStoredIndex(
  crypto: Crypto,
  folder: string,
  segment: number,
): Promise<StoredIndex | undefined> {
  const bytes = await readFile(indexPath(folder, segment)).catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  return bytes && decodeSegmentIndex(crypto, bytes, segment);
}

/** Whether a stored index is of the very segment that lies beside it: of its length, header and last frame. */
export async function fitsSegment(folder: string, { index, lastChecksum }: StoredIndex): Promise<boolean> {
  return withSegment(folder, index.segment, async (file) => {
    const { size } = await file.stat();
    if (size !== index.size) return false;
    const { buffer: header } = await file.read(
      Buffer.alloc(SEGMENT_HEADER_BYTES),
      0,
      SEGMENT_HEADER_BYTES,
      0,
    );
    return (
      isSegmentHeader(header, index.segment) && (await checksumAt(file, index.lastOffset)) === lastChecksum
    );
  });
}

/** Writes the index of a complete segment, durably but for its name. */
export async function writeStoredIndex(
  crypto: Crypto,
  files: LogFiles,
  folder: string,
  index: SegmentIndex,
): Promise<void> {
  const lastChecksum = await withSegment(folder, index.segment, (file) => checksumAt(file, index.lastOffset));
  if (lastChecksum === undefined) {
    throw damagedSegment(segmentPath(folder, index.segment), index.lastOffset, 'holds no whole frame there');
  }
  await files.replace(indexPath(folder, index.segment), encodeSegmentIndex(crypto, { index, lastChecksum }));
}

/** The index of a complete segment, from its frames. */
export async function indexFromSegment(folder: string, segment: number): Promise<SegmentIndex> {
  const source = await readFile(segmentPath(folder, segment));
  const index = new SegmentIndex(segment);
  for (let offset = SEGMENT_HEADER_BYTES; offset < source.length; ) {
    const read = readFrame(source, offset, { segment, offset });
    if (read === undefined) {
      throw damagedSegment(segmentPath(folder, segment), offset, 'holds no whole frame there');
    }
    index.add(read.frame, read.end - offset);
    offset = read.end;
  }
  return index;
}

async function withSegment<Result>(
  folder: string,
  segment: number,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  const file = await open(segmentPath(folder, segment), 'r');
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** The checksum that the frame at `offset` carries; undefined where no frame begins. */
async function checksumAt(file: FileHandle, offset: number): Promise<number | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, offset);
  return bytesRead === 8 && buffer.subarray(0, 4).equals(FRAME_MAGIC) ? buffer.readUInt32BE(4) : undefined;
}
