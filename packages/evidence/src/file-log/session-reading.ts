import type { FileHandle } from 'node:fs/promises';
import { type Crypto, equalBytes, leafHash } from '@provability-fabric/kernel';
import { EvidenceError } from '../errors.ts';
import type { ArchivedStatement, SessionArchive } from '../ports.ts';
import { type JournalReader, leafData } from './journal-reader.ts';
import type { IndexedFrame } from './segment-index.ts';
import type { SegmentIndexes } from './segment-indexes.ts';
import type { SessionIndex } from './session-index.ts';
import type { TileTree } from './tile-tree.ts';

/** A statement of one session, its record sealed. */
export interface SessionEntry extends ArchivedStatement {
  /** Log index; -1 for a statement that another fabric decided: it is not in this log. */
  readonly index: number;
}

export interface SessionParts {
  readonly crypto: Crypto;
  readonly tree: TileTree;
  readonly sessions: SessionIndex;
  readonly indexes: SegmentIndexes;
  readonly reader: JournalReader;
  /** How many entries were freed by now, by whichever process writes the log. */
  readonly freedByNow: () => Promise<number>;
  readonly archive: SessionArchive | undefined;
}

interface SessionName {
  readonly tenant: string;
  readonly session: string;
}

/**
 * A session's statements in seq order, from a seq on, as far as the session goes when this is called. What was freed comes from
 * the archive and is held against its leaf. What another fabric decided comes from the archive too, and has no
 * leaf here: its place in the session's chain is for the caller to check.
 */
export async function* readSession(
  parts: SessionParts,
  name: SessionName,
  fromSeq = 0,
): AsyncGenerator<SessionEntry> {
  for await (const entry of readFrames(parts, name, fromSeq)) if (entry.seq >= fromSeq) yield entry;
}

/** From the beginning of the commit that has `fromSeq`, or before it. */
async function* readFrames(
  parts: SessionParts,
  name: SessionName,
  fromSeq: number,
): AsyncGenerator<SessionEntry> {
  const { sessions, indexes } = parts;
  const { tenant, session } = name;
  const end = sessions.head(tenant, session)?.seq;
  if (end === undefined) return;
  if (sessions.isTakenOver(tenant, session)) {
    yield* decidedElsewhere(parts, name, end + 1);
    return;
  }
  const { from, segments } = sessions.find(tenant, session) ?? { from: 0, segments: [] };
  if (from > fromSeq) yield* decidedElsewhere(parts, name, from);
  for (const segment of segments) {
    const frames = (await indexes.of(segment))
      .framesOf(tenant, session)
      .filter(({ seq, count }) => seq <= end && seq + count > fromSeq);
    if (frames.length === 0) continue;
    const file = await parts.reader.open(segment);
    yield* file === undefined
      ? fromArchive(parts, name, segment, frames)
      : fromSegment(parts, name, segment, frames, file);
  }
}

async function* fromSegment(
  { reader }: SessionParts,
  { tenant, session }: SessionName,
  segment: number,
  frames: readonly IndexedFrame[],
  file: FileHandle,
): AsyncGenerator<SessionEntry> {
  let next = frames[0]?.seq;
  const offsets = frames.map(({ offset }) => offset);
  for await (const { index, frame, entry } of reader.at(file, segment, offsets)) {
    // Neither the session's name nor its seq is part of the leaf: a segment swapped while the log runs could hold
    // another's frame there.
    if (frame.tenant !== tenant || frame.session !== session || entry.seq !== next) {
      throw new EvidenceError(
        'EVIDENCE_CORRUPT',
        `the journal holds another statement where one of session \`${session}\` belongs; put the segments back from ` +
          'a backup',
      );
    }
    next++;
    const { seq, envelope, salt, sealedRecord } = entry;
    yield { index, seq, envelope, salt, sealedRecord };
  }
}

async function* fromArchive(
  parts: SessionParts,
  name: SessionName,
  segment: number,
  frames: readonly IndexedFrame[],
): AsyncGenerator<SessionEntry> {
  if (segment >= (await parts.freedByNow())) {
    throw new EvidenceError(
      'EVIDENCE_CORRUPT',
      `the journal's segment that begins at index ${segment} is missing; put it back from a backup`,
    );
  }
  const indices = frames.flatMap(({ index, count }) => Array.from({ length: count }, (_, i) => index + i));
  const first = frames[0]?.seq ?? 0;
  for await (const stored of archived(parts, name, first, first + indices.length)) {
    const index = indices[stored.seq - first] as number;
    const leaf = leafHash(parts.crypto, leafData(parts.crypto, stored));
    if (!equalBytes(leaf, parts.tree.leaf(index))) {
      throw new EvidenceError(
        'EVIDENCE_CORRUPT',
        `the ledger's statement of seq ${stored.seq} of session \`${name.session}\` is not what this log committed to ` +
          `at index ${index}; compare both logs with their checkpoints`,
      );
    }
    yield { ...stored, index };
  }
}

async function* decidedElsewhere(
  parts: SessionParts,
  name: SessionName,
  to: number,
): AsyncGenerator<SessionEntry> {
  for await (const stored of archived(parts, name, 0, to)) yield { ...stored, index: -1 };
}

/** Exactly the statements from `from` to before `to`, in order, or an error by name. */
async function* archived(
  { archive }: SessionParts,
  { tenant, session }: SessionName,
  from: number,
  to: number,
): AsyncGenerator<ArchivedStatement> {
  if (archive === undefined) {
    throw new EvidenceError(
      'EVIDENCE_UNAVAILABLE',
      `seq ${from} to ${to - 1} of session \`${session}\` are in the ledger only; configure the ledger and try again`,
    );
  }
  let next = from;
  for await (const { seq, envelope, salt, sealedRecord } of archive.session(tenant, session, from)) {
    if (next === to) return;
    if (seq !== next) break;
    next++;
    yield { seq, envelope, salt, sealedRecord };
  }
  if (next === to) return;
  throw new EvidenceError(
    'EVIDENCE_CORRUPT',
    `the ledger does not have seq ${next} of session \`${session}\`, which was in it before; compare its newest ` +
      'checkpoint with one that was kept',
  );
}
