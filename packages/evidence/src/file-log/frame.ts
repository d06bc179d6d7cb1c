// One commit as it lies in a segment: all of its entries or none, since a frame counts only with its checksum
// right.
//
//   89 50 46 31 │ crc32 │ body length u32 │ group start u48 │ body
//   body: first index u64 │ count u32, its top bits: taken over, fenced │ fence u64, if fenced
//         then tenant, session (u16 length + UTF-8)
//         then per entry: seq u64 │ digest 32 │ salt 32 │ envelope, sealed record (u32 length + bytes)
//
// The checksum starts from the segment and the offset, so a frame copied to another place is not a frame
// there. It finds accidents; what a hand changed on purpose is found by the tree, whose leaves are over salt
// and envelope, and by the sealing of the record.
import { crc32 } from 'node:zlib';
import { asDigest, type Digest, fromUtf8 } from '@provability-fabric/kernel';

export interface FrameEntry {
  readonly seq: number;
  readonly digest: Digest;
  readonly salt: Uint8Array;
  readonly envelope: Uint8Array;
  readonly sealedRecord: Uint8Array;
}

export interface Frame {
  /** Log index of the first entry; the others follow without a gap. */
  readonly firstIndex: number;
  readonly tenant: string;
  readonly session: string;
  /**
   * Present where the session was decided elsewhere before this frame: its first seq follows what the ledger
   * has, and what this log has of the session from before is not in the session's chain any more.
   */
  readonly takenOver?: true;
  /** Of the lease under which it was decided; absent without one. */
  readonly fence?: number;
  readonly entries: readonly FrameEntry[];
}

export interface FramePlace {
  /** First index of the segment. */
  readonly segment: number;
  readonly offset: number;
}

/** A durable frame and where it lies. */
export interface PlacedFrame {
  readonly frame: Frame;
  readonly place: FramePlace;
}

export const FRAME_HEADER_BYTES = 18;
/** A body beyond this is refused on the way in, so a length beyond it on the way out is damage. */
export const MAX_FRAME_BODY_BYTES = 64 * 1024 * 1024;

/** Not valid UTF-8: neither an envelope nor a name can contain it. */
export const FRAME_MAGIC = Buffer.from([0x89, 0x50, 0x46, 0x31]);

const TAKEN_OVER = 2 ** 31;
const FENCED = 2 ** 30;

const BODY_HEADER_BYTES = 8 + 4 + 2 + 2;
const ENTRY_HEADER_BYTES = 8 + 32 + 32 + 4 + 4;

/** Size of the whole frame in bytes. */
export function frameBytes(frame: Frame): number {
  let size = FRAME_HEADER_BYTES + BODY_HEADER_BYTES + (frame.fence === undefined ? 0 : 8);
  size += Buffer.byteLength(frame.tenant) + Buffer.byteLength(frame.session);
  for (const { envelope, sealedRecord } of frame.entries) {
    size += ENTRY_HEADER_BYTES + envelope.length + sealedRecord.length;
  }
  return size;
}

/**
 * Writes a frame into `target` at `at`; returns where it ends. `groupStart` is the segment offset at which
 * the write it belongs to began: everything before that was durable first.
 */
export function writeFrame(
  target: Buffer,
  at: number,
  frame: Frame,
  place: FramePlace,
  groupStart: number,
): number {
  let end = at + FRAME_HEADER_BYTES;
  end = writeCount(target, end, frame.firstIndex);
  const marks = (frame.takenOver ? TAKEN_OVER : 0) + (frame.fence === undefined ? 0 : FENCED);
  end = target.writeUInt32BE(frame.entries.length + marks, end);
  if (frame.fence !== undefined) end = writeCount(target, end, frame.fence);
  for (const name of [frame.tenant, frame.session]) {
    const length = target.write(name, end + 2);
    target.writeUInt16BE(length, end);
    end += 2 + length;
  }
  for (const entry of frame.entries) {
    end = writeCount(target, end, entry.seq);
    end += target.write(entry.digest, end, 'hex');
    target.set(entry.salt, end);
    end += entry.salt.length;
    for (const bytes of [entry.envelope, entry.sealedRecord]) {
      end = target.writeUInt32BE(bytes.length, end);
      target.set(bytes, end);
      end += bytes.length;
    }
  }
  target.set(FRAME_MAGIC, at);
  target.writeUInt32BE(end - at - FRAME_HEADER_BYTES, at + 8);
  target.writeUIntBE(groupStart, at + 12, 6);
  target.writeUInt32BE(checksum(target.subarray(at + 8, end), place), at + 4);
  return end;
}

export interface ReadFrame {
  readonly frame: Frame;
  readonly groupStart: number;
  /** Where the next frame begins in `source`. */
  readonly end: number;
}

/** The size of the frame at `at` by its own word, or undefined where no frame begins. */
export function frameSizeAt(source: Buffer, at: number): number | undefined {
  if (source.length - at < FRAME_HEADER_BYTES) return undefined;
  if (source.compare(FRAME_MAGIC, 0, 4, at, at + 4) !== 0) return undefined;
  const body = source.readUInt32BE(at + 8);
  return body > MAX_FRAME_BODY_BYTES ? undefined : FRAME_HEADER_BYTES + body;
}

/**
 * The frame at `at`, or undefined where there is no whole and unchanged one. Its byte fields are views of
 * `source`.
 */
export function readFrame(source: Buffer, at: number, place: FramePlace): ReadFrame | undefined {
  const size = frameSizeAt(source, at);
  if (size === undefined || source.length - at < size) return undefined;
  const end = at + size;
  if (source.readUInt32BE(at + 4) !== checksum(source.subarray(at + 8, end), place)) return undefined;
  const body = source.subarray(at + FRAME_HEADER_BYTES, end);
  const frame = readBody(body);
  return frame && { frame, groupStart: source.readUIntBE(at + 12, 6), end };
}

/** undefined where lengths disagree: a checksum of 32 bits alone is no promise that they do not. */
function readBody(body: Buffer): Frame | undefined {
  let at = 0;
  const take = (length: number): Buffer => {
    const part = body.subarray(at, at + length);
    if (part.length !== length) throw new RangeError('the frame is shorter than its lengths say');
    at += length;
    return part;
  };
  try {
    const firstIndex = readCount(take(8));
    const marked = take(4).readUInt32BE();
    const count = marked % FENCED;
    const takenOver = marked >= TAKEN_OVER ? { takenOver: true as const } : {};
    const fence = marked % TAKEN_OVER >= FENCED ? { fence: readCount(take(8)) } : {};
    const tenant = fromUtf8(take(take(2).readUInt16BE()));
    const session = fromUtf8(take(take(2).readUInt16BE()));
    const entries: FrameEntry[] = [];
    for (let i = 0; i < count; i++) {
      const seq = readCount(take(8));
      const digest = asDigest(take(32).toString('hex'));
      const salt = take(32);
      const envelope = take(take(4).readUInt32BE());
      const sealedRecord = take(take(4).readUInt32BE());
      entries.push({ seq, digest, salt, envelope, sealedRecord });
    }
    if (at !== body.length || count === 0) return undefined;
    return { firstIndex, tenant, session, ...takenOver, ...fence, entries };
  } catch {
    return undefined;
  }
}

function checksum(bytes: Uint8Array, { segment, offset }: FramePlace): number {
  const place = Buffer.alloc(16);
  writeCount(place, 0, segment);
  writeCount(place, 8, offset);
  return crc32(bytes, crc32(place));
}

/** A count up to 2^53 - 1 in eight bytes. */
export function writeCount(target: Buffer, at: number, value: number): number {
  target.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  return target.writeUInt32BE(value % 2 ** 32, at + 4);
}

export function readCount(bytes: Buffer): number {
  return bytes.readUInt32BE(0) * 2 ** 32 + bytes.readUInt32BE(4);
}
