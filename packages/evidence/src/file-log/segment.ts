// A segment: `journal/<first index>.seg`, a header of 16 bytes and then frames.
import { join } from 'node:path';
import { readCount, writeCount } from './frame.ts';

const MAGIC = Buffer.from('PFJRNL1\n', 'latin1');

export const SEGMENT_HEADER_BYTES = 16;

const NAME = /^(\d{16})\.seg$/;

export function segmentPath(folder: string, firstIndex: number): string {
  return join(folder, `${firstIndex}`.padStart(16, '0').concat('.seg'));
}

/** First indices of the segments among a folder's names, in order. */
export function segmentsIn(names: readonly string[]): number[] {
  return names
    .map((name) => NAME.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

export function segmentHeader(firstIndex: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  header.set(MAGIC);
  writeCount(header, MAGIC.length, firstIndex);
  return header;
}

export function isSegmentHeader(bytes: Buffer, firstIndex: number): boolean {
  return (
    bytes.length >= SEGMENT_HEADER_BYTES &&
    bytes.subarray(0, MAGIC.length).equals(MAGIC) &&
    readCount(bytes.subarray(MAGIC.length)) === firstIndex
  );
}
