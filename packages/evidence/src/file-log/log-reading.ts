import { readdir } from 'node:fs/promises';
import type { Checkpoint } from '@provability-fabric/kernel';
import { EvidenceError } from '../errors.ts';
import type {
  LogEntry,
  RecordSealer,
  ScannedStatement,
  SessionArchive,
  SessionHead,
  StoredStatement,
} from '../ports.ts';
import { auditLog } from './audit.ts';
import { openCheckpoint, type PublishedCheckpoint } from './checkpoint-file.ts';
import type { Frame, FrameEntry } from './frame.ts';
import { readFreed } from './freed-marker.ts';
import { JournalReader } from './journal-reader.ts';
import type { LogPlace } from './recovery.ts';
import { indexesIn, segmentsIn } from './segment.ts';
import type { SegmentIndexes } from './segment-indexes.ts';
import type { SegmentEnd } from './segment-writer.ts';
import { SessionAudit } from './session-audit.ts';
import type { SessionIndex } from './session-index.ts';
import { readSession } from './session-reading.ts';
import type { TileTree } from './tile-tree.ts';

/** The reading half of a log, the same whether this process writes to it or another one does. */
export interface LogReading {
  /** Where every session ends in this log. */
  heads(): Iterable<SessionHead>;
  /** Where a session ends, taken over from another fabric or not. */
  head(tenant: string, session: string): SessionHead | undefined;
  /**
   * A session's statements in seq order, from a seq on; what was freed, or decided by another fabric (index -1), from the
   * archive. Throws EVIDENCE_CORRUPT for one that is not what the log committed to, EVIDENCE_UNAVAILABLE where
   * there is no archive.
   */
  readSession(tenant: string, session: string, fromSeq?: number): AsyncIterable<StoredStatement>;
  /** The sessions of a tenant, in the order of their first statement. */
  sessions(tenant: string): readonly string[];
  /** Every statement that was not freed, in log order, records left sealed. */
  scan(): AsyncIterable<ScannedStatement>;
  /**
   * The entries from a log index on: up to `limit.entries`, and at least one but no more than `limit.bytes` of
   * envelopes and records; none at the end. Throws NOT_IN_LOG for one that was freed.
   */
  entries(from: number, limit: { readonly entries: number; readonly bytes: number }): Promise<LogEntry[]>;

  /** How many entries there are. */
  readonly size: number;
  /** How many of them, from the first on, are no longer in the journal: their leaves are, and their sessions' ends. */
  readonly freed: number;
  /** The newest checkpoint. */
  checkpoint(): PublishedCheckpoint;
  /**
   * A checkpoint that covers everything this log can give out: a writing log publishes one where it has none.
   */
  flush(): Promise<PublishedCheckpoint>;
  /** Reads a checkpoint of this log from anywhere; throws NoteError or CheckpointError for any other. */
  openCheckpoint(note: string): Checkpoint;
  rootAt(size: number): Uint8Array;
  inclusionProof(index: number, size: number): Uint8Array[];
  consistencyProof(oldSize: number, newSize: number): Uint8Array[];

  /**
   * Reads everything and compares everything: each entry with its leaf, each tile with the journal, the root
   * with the checkpoint. Throws EVIDENCE_CORRUPT with the file's name; answers how many entries there are.
   */
  audit(): Promise<number>;
}

export function readingOf(
  place: LogPlace,
  parts: {
    readonly tree: TileTree;
    readonly sessions: SessionIndex;
    readonly indexes: SegmentIndexes;
    readonly freed: () => number;
    readonly archive: SessionArchive | undefined;
    readonly records: Pick<RecordSealer, 'opener'>;
    /** Where the last frame that may be read ends. */
    readonly end: () => SegmentEnd | undefined;
    readonly checkpoint: () => PublishedCheckpoint;
    readonly flush: () => Promise<PublishedCheckpoint>;
  },
): LogReading {
  const { crypto, log, journal, origin, verifiers } = place;
  const { tree, sessions, indexes, freed, records, end, checkpoint, flush } = parts;
  const reader = new JournalReader(crypto, journal, tree);

  async function segments(): Promise<number[]> {
    const found = segmentsIn(await readdir(journal));
    return found.filter((segment) => segment >= freed());
  }

  async function* readAll() {
    const upTo = end();
    yield* reader.all(await segments(), upTo);
  }

  async function entries(from: number, limit: { readonly entries: number; readonly bytes: number }) {
    const found: LogEntry[] = [];
    if (from >= tree.size) return found;
    const segment = (await segments()).findLast((first) => first <= from);
    const file = segment === undefined ? undefined : await reader.open(segment);
    if (segment === undefined || file === undefined) throw notHere(from, freed());
    let bytes = 0;
    // An entry that became durable after this call began may be seen half: nothing beyond what was durable then.
    const last = Math.min(tree.size, (await indexes.of(segment)).end, from + limit.entries) - 1;
    for await (const { index, frame, entry } of reader.onward(file, segment, await offsetOf(), limit.bytes)) {
      bytes += index < from ? 0 : entry.envelope.length + entry.sealedRecord.length;
      if (found.length > 0 && bytes > limit.bytes) break;
      if (index >= from) found.push(logEntry(frame, entry, index));
      if (index >= last) break;
    }
    return found;

    async function offsetOf(): Promise<number> {
      return (await indexes.of(segment as number)).offsetOf(from);
    }
  }

  return {
    heads: () => sessions.heads(),
    head: (tenant, session) => sessions.head(tenant, session),
    async *readSession(tenant, session, fromSeq = 0) {
      if (sessions.head(tenant, session) === undefined) return;
      const open = await records.opener(tenant);
      const from = { ...parts, crypto, reader, freedByNow: () => readFreed(journal) };
      for await (const { sealedRecord, ...statement } of readSession(from, { tenant, session }, fromSeq)) {
        const place = { tenant, session, seq: statement.seq };
        yield { ...statement, record: sealedRecord === null ? null : open(place, sealedRecord) };
      }
    },
    sessions: (tenant) => sessions.sessionsOf(tenant),
    async *scan() {
      for await (const { index, frame, entry } of readAll()) {
        const { seq, digest, envelope, salt } = entry;
        yield { index, tenant: frame.tenant, session: frame.session, seq, digest, envelope, salt };
      }
    },
    entries,
    get size() {
      return tree.size;
    },
    get freed() {
      return freed();
    },
    checkpoint,
    flush,
    openCheckpoint: (note) => openCheckpoint(crypto, note, origin, verifiers),
    rootAt: (size) => tree.rootAt(size),
    inclusionProof: (index, size) => tree.inclusionProof(index, size),
    consistencyProof: (oldSize, newSize) => tree.consistencyProof(oldSize, newSize),
    async audit() {
      const covered = await flush();
      const start = freed();
      const known = new SessionAudit(journal, sessions);
      for (const segment of indexesIn(await readdir(journal))) {
        if (segment < start) known.take(await indexes.of(segment));
      }
      await auditLog(crypto, log, covered, start, readAll(), known);
      return covered.size;
    },
  };
}

export function logEntry(frame: Frame, entry: FrameEntry, index: number): LogEntry {
  const { tenant, session, fence, takenOver } = frame;
  const marks = { ...(fence === undefined ? {} : { fence }), ...(takenOver ? { takenOver } : {}) };
  return { index, tenant, session, ...marks, ...entry };
}

function notHere(from: number, freed: number): EvidenceError {
  return new EvidenceError(
    'NOT_IN_LOG',
    `expected the journal to hold index ${from}, but it was freed up to index ${freed}; read it from the ledger`,
  );
}
