import { readdir } from 'node:fs/promises';
import type { Checkpoint } from '@provability-fabric/kernel';
import { EvidenceError } from '../errors.ts';
import type { RecordSealer, ScannedStatement, SessionHead, StoredStatement } from '../ports.ts';
import { auditLog } from './audit.ts';
import { openCheckpoint, type PublishedCheckpoint } from './checkpoint-file.ts';
import { JournalReader } from './journal-reader.ts';
import type { LogPlace } from './recovery.ts';
import { segmentsIn } from './segment.ts';
import type { SegmentEnd } from './segment-writer.ts';
import type { SessionIndex } from './session-index.ts';
import type { TileTree } from './tile-tree.ts';

/** The reading half of a log, the same whether this process writes to it or another one does. */
export interface LogReading {
  /** Where every session ends. */
  heads(): Iterable<SessionHead>;
  head(tenant: string, session: string): SessionHead | undefined;
  /**
   * A session's statements in seq order. Throws EVIDENCE_CORRUPT for one that is not what the log committed
   * to.
   */
  readSession(tenant: string, session: string): AsyncIterable<StoredStatement>;
  /** The sessions of a tenant, in the order of their first statement. */
  sessions(tenant: string): readonly string[];
  /** Every statement in log order, records left sealed. */
  scan(): AsyncIterable<ScannedStatement>;

  /** How many entries there are. */
  readonly size: number;
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
    readonly records: Pick<RecordSealer, 'opener'>;
    /** Where the last frame that may be read ends. */
    readonly end: () => SegmentEnd | undefined;
    readonly checkpoint: () => PublishedCheckpoint;
    readonly flush: () => Promise<PublishedCheckpoint>;
  },
): LogReading {
  const { crypto, log, journal, origin, verifiers } = place;
  const { tree, sessions, records, end, checkpoint, flush } = parts;
  const reader = new JournalReader(crypto, journal, tree);

  async function* readAll() {
    const upTo = end();
    yield* reader.all(segmentsIn(await readdir(journal)), upTo);
  }

  return {
    heads: () => sessions.heads(),
    head: (tenant, session) => sessions.head(tenant, session),
    async *readSession(tenant, session) {
      const places = sessions.places(tenant, session);
      if (places.length === 0) return;
      const open = await records.opener(tenant);
      for await (const { index, frame, entry } of reader.at(places)) {
        requireSession(frame, tenant, session);
        const { seq, envelope, salt, sealedRecord } = entry;
        yield { index, seq, envelope, salt, record: open({ tenant, session, seq }, sealedRecord) };
      }
    },
    sessions: (tenant) => sessions.sessionsOf(tenant),
    async *scan() {
      for await (const { index, frame, entry } of readAll()) {
        const { seq, digest, envelope, salt } = entry;
        yield { index, tenant: frame.tenant, session: frame.session, seq, digest, envelope, salt };
      }
    },
    get size() {
      return tree.size;
    },
    checkpoint,
    flush,
    openCheckpoint: (note) => openCheckpoint(crypto, note, origin, verifiers),
    rootAt: (size) => tree.rootAt(size),
    inclusionProof: (index, size) => tree.inclusionProof(index, size),
    consistencyProof: (oldSize, newSize) => tree.consistencyProof(oldSize, newSize),
    async audit() {
      const covered = await flush();
      await auditLog(crypto, log, covered, readAll());
      return covered.size;
    },
  };
}

/**
 * The session's name is not part of the leaf: a segment swapped while the log runs could hold another's frame
 * there.
 */
function requireSession(
  frame: { readonly tenant: string; readonly session: string },
  tenant: string,
  session: string,
): void {
  if (frame.tenant === tenant && frame.session === session) return;
  throw new EvidenceError(
    'EVIDENCE_CORRUPT',
    `the journal holds a statement of another session where one of \`${session}\` belongs; put the segments back ` +
      'from a backup',
  );
}
