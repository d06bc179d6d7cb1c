import { join } from 'node:path';
import type { Crypto, NoteSigner, NoteVerifier } from '@provability-fabric/kernel';
import type {
  Commit,
  CommitResult,
  Emit,
  LogEntry,
  RecordSealer,
  SessionArchive,
  SessionHead,
} from '../ports.ts';
import { CheckpointPublisher } from './checkpoint-publisher.ts';
import { CommitQueue } from './commit-queue.ts';
import type { PlacedFrame } from './frame.ts';
import { Freeing } from './freeing.ts';
import { type LogFiles, nodeLogFiles } from './log-files.ts';
import { ensureLogId } from './log-id.ts';
import { type LogReading, logEntry, readingOf } from './log-reading.ts';
import { type LogPlace, readSignedPart, recover } from './recovery.ts';
import { SegmentWriter } from './segment-writer.ts';
import { readShipped, writeShipped } from './shipped-file.ts';

export interface FileLogReaderOptions {
  /** The data folder, with `log/` and `journal/`. */
  readonly directory: string;
  /** The log's name, first line of every checkpoint. */
  readonly origin: string;
  readonly crypto: Crypto;
  /** Keys that checkpoints may be signed with: active and retired ones. */
  readonly verifiers: readonly NoteVerifier[];
  readonly records: Pick<RecordSealer, 'opener'>;
  /** Where statements are read that are no longer in the journal, or were decided by another fabric. */
  readonly archive?: SessionArchive;
}

export interface FileLogOptions extends FileLogReaderOptions {
  readonly signer: NoteSigner;
  readonly records: RecordSealer;
  readonly emit: Emit;
  /** At most this long after something new a checkpoint covers it. */
  readonly checkpointEveryMs?: number;
  /** Or as soon as this many entries are new. */
  readonly checkpointEveryEntries?: number;
  /** Where a segment ends and the next begins. */
  readonly segmentBytes?: number;
  /** Under which fence a session is decided; kept with each commit, so that the ledger is told after a crash too. */
  readonly fences?: (tenant: string, session: string) => number | undefined;
  /** How much of the newest journal is never freed. */
  readonly keepBytes?: number;
  /** What changes the disk; for tests. */
  readonly files?: LogFiles;
}

/**
 * The journal that is a C2SP tile log. It satisfies, by structure, the port that enforcement declares as
 * `Journal`.
 */
export interface FileLog extends LogReading {
  /** The log's own name, 32 hex digits, whatever keys sign it: the `writer` that the ledger knows it by. */
  readonly id: string;
  /**
   * Atomic over its entries. Resolves once they survive a crash, or with STALE_SESSION where the session ends
   * elsewhere than expected. Throws EVIDENCE_UNAVAILABLE when durability cannot be had: then nothing of the
   * commit is ever found; also, at once, where 8,192 commits or 256 MiB of them wait already. Its bytes must
   * not change before the answer.
   */
  commit(commit: Commit): Promise<CommitResult>;
  /**
   * A session goes on here from a head that another fabric brought it to: the next commit must expect exactly
   * that head. What this log has of the session from before is in its chain only as far as the ledger has it.
   */
  continueFrom(head: SessionHead): void;
  /**
   * Calls back with entries in log order, in the turn in which they became durable; it must not throw. Answers
   * how to stop that.
   */
  onDurable(listener: (entries: readonly LogEntry[]) => void): () => void;
  /**
   * Removes the oldest segments whose entries all lie below a log index, except the newest `keepBytes`. The caller
   * guarantees that the ledger has those entries under a durable checkpoint.
   */
  freeUpTo(index: number): Promise<void>;
  /** How many entries the ledger was last remembered to have: a lower bound. */
  readonly shipped: number;
  /** Remembers it beyond a restart. */
  rememberShipped(count: number): Promise<void>;
  /** Settles what was accepted, publishes, and closes the files. Commits are refused from here on. */
  close(): Promise<void>;
}

/**
 * Opens a log for writing, making it where there is none. One process at a time: see `lockDataFolder`. Throws
 * EVIDENCE_CORRUPT, having changed nothing, where the log contradicts itself.
 */
export async function openFileLog(options: FileLogOptions): Promise<FileLog> {
  const { crypto, origin, signer, records, emit, segmentBytes = 64 * 1024 * 1024 } = options;
  const files = options.files ?? nodeLogFiles();
  const place = placeOf(options);
  const { tree, sessions, indexes, end, published, tilesSize, ...recovered } = await recover(
    place,
    files,
    emit,
  );
  const publisher = new CheckpointPublisher({
    files,
    folder: place.log,
    tree,
    origin,
    signer,
    everyMs: options.checkpointEveryMs ?? 150,
    everyEntries: options.checkpointEveryEntries ?? 1024,
    emit,
    published,
    tilesSize,
  });
  // A new log begins with a checkpoint of nothing, so that a missing one is always a loss and never a
  // beginning.
  await publisher.publish();
  const writer = new SegmentWriter({ files, folder: place.journal, segmentBytes, emit, end });
  const freeing = new Freeing({
    crypto,
    files,
    folder: place.journal,
    indexes,
    keepBytes: options.keepBytes ?? 256 * 1024 * 1024,
    covered: () => publisher.published.size,
    freed: recovered.freed,
    emit,
  });
  // Of segments that had to be read, because theirs were missing.
  indexes.write(files).catch(noIndexYet);
  const id = await ensureLogId(files, place.journal);
  let shipped = Math.max(recovered.freed, await readShipped(place.journal));
  const listeners = new Set<(entries: readonly LogEntry[]) => void>();

  function grew(frames: readonly PlacedFrame[]): void {
    if (indexes.add(frames)) {
      freeing.completed();
      indexes.write(files).catch(noIndexYet);
    }
    const entries = listeners.size === 0 ? [] : entriesOf(frames);
    for (const listener of listeners) listener(entries);
    publisher.grew();
  }

  const fences = options.fences ?? (() => undefined);
  const queue = new CommitQueue({ crypto, tree, sessions, writer, records, fences, grew });
  const reading = readingOf(place, {
    tree,
    sessions,
    indexes,
    freed: () => freeing.freed,
    archive: options.archive,
    records,
    end: () => writer.end,
    checkpoint: () => publisher.published,
    flush: () => publisher.publish(),
  });
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    await queue.close();
    await publisher.close();
    await indexes.write(files).catch(noIndexYet);
    await writer.close();
  }

  return {
    ...reading,
    id,
    get size() {
      return tree.size;
    },
    get freed() {
      return freeing.freed;
    },
    commit: (commit) => queue.submit(commit),
    continueFrom: (head) => sessions.takeOver(head),
    onDurable(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    freeUpTo: (index) => freeing.upTo(index),
    get shipped() {
      return shipped;
    },
    async rememberShipped(count) {
      await writeShipped(files, place.journal, count);
      shipped = count;
    },
    close: () => (closing ??= close()),
  };
}

/** A log read from outside, as its newest checkpoint has it. */
export interface FileLogReader extends LogReading {
  /** What is worth a look and no damage, in words for an operator. */
  readonly findings: readonly string[];
}

/**
 * Opens what the newest checkpoint covers, for reading, and takes no lock: the fabric may be running. What it
 * commits later is not seen. Throws NOT_IN_LOG where there is no log, and EVIDENCE_CORRUPT as `openFileLog`
 * does.
 */
export async function readFileLog(options: FileLogReaderOptions): Promise<FileLogReader> {
  const place = placeOf(options);
  const { tree, sessions, indexes, freed, end, published, fromTiles } = await readSignedPart(place);
  const reading = readingOf(place, {
    tree,
    sessions,
    indexes,
    freed: () => freed,
    archive: options.archive,
    records: options.records,
    end: () => end,
    checkpoint: () => published,
    flush: async () => published,
  });
  // Nothing grows here, so a copy of `size` is as good as the getter.
  return {
    ...reading,
    findings: fromTiles
      ? []
      : ['stored tiles are incomplete; the next start writes them anew from the journal'],
  };
}

/** An index is made again from its segment whenever it is missing: only time is lost. */
function noIndexYet(): void {}

function entriesOf(frames: readonly PlacedFrame[]): LogEntry[] {
  return frames.flatMap(({ frame }) =>
    frame.entries.map((entry, position) => logEntry(frame, entry, frame.firstIndex + position)),
  );
}

function placeOf({ directory, origin, crypto, verifiers }: FileLogReaderOptions): LogPlace {
  return { crypto, origin, verifiers, log: join(directory, 'log'), journal: join(directory, 'journal') };
}
