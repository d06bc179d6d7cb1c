// `journal/<first index>.idx`: the index of a segment that is complete.
//
//   PFINDEX1 │ SHA-256 of all that follows │ first index, size of the segment, entries (u64 each)
//   │ checksum of the segment's last frame u32 │ number of parts u32 │ number of frames u32
//   per part: tenant, session (u16 length + UTF-8) │ taken over u8 │ first seq, last seq (u64 each) │ digest 32
//   per frame: 2 · part + taken over │ entries │ bytes (LEB128 each)
//
// While the segment is there this is derived from it and written anew whenever it does not fit. Once the segment
// was freed, this is what ties the ledger's statements to leaves of this log.
import { asDigest, type Crypto, equalBytes, fromUtf8 } from '@provability-fabric/kernel';
import { readCount, writeCount } from './frame.ts';
import { type FrameRow, type IndexedPart, SegmentIndex } from './segment-index.ts';

const MAGIC = Buffer.from('PFINDEX1', 'latin1');
const HASH_END = MAGIC.length + 32;
const HEADER_BYTES = HASH_END + 3 * 8 + 3 * 4;
const PART_BYTES = 2 + 2 + 1 + 8 + 8 + 32;
/** Three numbers of at most 32 bits. */
const MAX_ROW_BYTES = 15;

export interface StoredIndex {
  readonly index: SegmentIndex;
  /** Of the segment's last frame: binds the index to this very segment. */
  readonly lastChecksum: number;
}

export function encodeSegmentIndex(crypto: Crypto, { index, lastChecksum }: StoredIndex): Buffer {
  const rows = [...index.rows()];
  let bound = HEADER_BYTES + rows.length * MAX_ROW_BYTES;
  for (const { tenant, session } of index.parts) {
    bound += PART_BYTES + Buffer.byteLength(tenant) + Buffer.byteLength(session);
  }
  const target = Buffer.alloc(bound);
  target.set(MAGIC);
  let at = writeCount(target, HASH_END, index.segment);
  at = writeCount(target, at, index.size);
  at = writeCount(target, at, index.entries);
  for (const value of [lastChecksum, index.parts.length, rows.length]) at = target.writeUInt32BE(value, at);
  for (const part of index.parts) {
    for (const name of [part.tenant, part.session]) {
      const length = target.write(name, at + 2);
      target.writeUInt16BE(length, at);
      at += 2 + length;
    }
    at = target.writeUInt8(part.takenOver ? 1 : 0, at);
    at = writeCount(target, at, part.firstSeq);
    at = writeCount(target, at, part.lastSeq);
    at += target.write(part.lastDigest, at, 'hex');
  }
  for (const { part, takenOver, count, bytes } of rows) {
    for (const value of [2 * part + (takenOver ? 1 : 0), count, bytes]) at = writeVariable(target, at, value);
  }
  const whole = target.subarray(0, at);
  whole.set(crypto.sha256(whole.subarray(HASH_END)), MAGIC.length);
  return whole;
}

/** undefined for anything but a whole index of the segment that begins at `segment`. */
export function decodeSegmentIndex(crypto: Crypto, source: Buffer, segment: number): StoredIndex | undefined {
  if (source.length < HEADER_BYTES || !source.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const hash = source.subarray(MAGIC.length, HASH_END);
  if (!equalBytes(crypto.sha256(source.subarray(HASH_END)), hash)) return undefined;
  try {
    return decodeBody(source, segment);
  } catch {
    // Whoever made the hash fit lengths that do not: no index either.
    return undefined;
  }
}

function decodeBody(source: Buffer, segment: number): StoredIndex | undefined {
  let at = HASH_END;
  const take = (length: number): Buffer => {
    const part = source.subarray(at, at + length);
    if (part.length !== length) throw new RangeError('the index is shorter than its lengths say');
    at += length;
    return part;
  };
  const variable = (): number => {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = take(1)[0] as number;
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
    throw new RangeError('the index holds a number of more than five bytes');
  };
  const [first, size, entries] = [readCount(take(8)), readCount(take(8)), readCount(take(8))];
  const lastChecksum = take(4).readUInt32BE();
  const [partCount, rowCount] = [take(4).readUInt32BE(), take(4).readUInt32BE()];
  const parts: IndexedPart[] = [];
  for (let i = 0; i < partCount; i++) {
    const tenant = fromUtf8(take(take(2).readUInt16BE()));
    const session = fromUtf8(take(take(2).readUInt16BE()));
    const takenOver = take(1)[0] === 1;
    const [firstSeq, lastSeq] = [readCount(take(8)), readCount(take(8))];
    const lastDigest = asDigest(take(32).toString('hex'));
    parts.push({ tenant, session, takenOver, firstSeq, lastSeq, lastDigest });
  }
  const rows: FrameRow[] = [];
  for (let i = 0; i < rowCount; i++) {
    const marked = variable();
    const [count, bytes] = [variable(), variable()];
    rows.push({ part: Math.floor(marked / 2), takenOver: marked % 2 === 1, count, bytes });
  }
  const index = SegmentIndex.from(segment, parts, rows);
  const fits = index !== undefined && index.entries === entries && index.size === size;
  return fits && first === segment && at === source.length ? { index, lastChecksum } : undefined;
}

function writeVariable(target: Buffer, at: number, value: number): number {
  let [left, end] = [value, at];
  for (; left >= 128; left = Math.floor(left / 128)) end = target.writeUInt8((left % 128) + 128, end);
  return target.writeUInt8(left, end);
}
