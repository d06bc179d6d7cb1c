// A segment: `journal/<first index>.seg`, a header of 16 bytes and then frames; beside it, once it is complete,
// `journal/<first index>.idx`.
import { join } from 'node:path';
import { readCount, writeCount } from './frame.ts';

const MAGIC = Buffer.from('PFJRNL1\n', 'latin1');

export const SEGMENT_HEADER_BYTES = 16;

const SEGMENT = /^(\d{16})\.seg$/;
const INDEX = /^(\d{16})\.idx$/;

export function segmentPath(folder: string, firstIndex: number): string {
  return join(folder, `${padded(firstIndex)}.seg`);
}

export function indexPath(folder: string, firstIndex: number): string {
  return join(folder, `${padded(firstIndex)}.idx`);
}

/** First indices of the segments among a folder's names, in order. */
export function segmentsIn(names: readonly string[]): number[] {
  return firstIndices(names, SEGMENT);
}

/** First indices of the segments that an index is there for, in order. */
export function indexesIn(names: readonly string[]): number[] {
  return firstIndices(names, INDEX);
}

function firstIndices(names: readonly string[], pattern: RegExp): number[] {
  return names
    .map((name) => pattern.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

function padded(firstIndex: number): string {
  return `${firstIndex}`.padStart(16, '0');
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
