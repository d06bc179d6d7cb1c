import { join } from 'node:path';
import type { Crypto, NoteSigner, NoteVerifier } from '@provability-fabric/kernel';
import type { Commit, CommitResult, Emit, RecordSealer } from '../ports.ts';
import { CheckpointPublisher } from './checkpoint-publisher.ts';
import { CommitQueue } from './commit-queue.ts';
import { type LogFiles, nodeLogFiles } from './log-files.ts';
import { type LogReading, readingOf } from './log-reading.ts';
import { type LogPlace, readSignedPart, recover } from './recovery.ts';
import { SegmentWriter } from './segment-writer.ts';

export interface FileLogReaderOptions {
  /** The data folder, with `log/` and `journal/`. */
  readonly directory: string;
  /** The log's name, first line of every checkpoint. */
  readonly origin: string;
  readonly crypto: Crypto;
  /** Keys that checkpoints may be signed with: active and retired ones. */
  readonly verifiers: readonly NoteVerifier[];
  readonly records: Pick<RecordSealer, 'opener'>;
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
  /** What changes the disk; for tests. */
  readonly files?: LogFiles;
}

/**
 * The journal that is a C2SP tile log. It satisfies, by structure, the port that enforcement declares as
 * `Journal`.
 */
export interface FileLog extends LogReading {
  /**
   * Atomic over its entries. Resolves once they survive a crash, or with STALE_SESSION where the session ends
   * elsewhere than expected. Throws EVIDENCE_UNAVAILABLE when durability cannot be had: then nothing of the
   * commit is ever found; also, at once, where 8,192 commits or 256 MiB of them wait already. Its bytes must
   * not change before the answer.
   */
  commit(commit: Commit): Promise<CommitResult>;
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
  const { tree, sessions, end, published, tilesSize } = await recover(place, files, emit);
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
  const grew = () => publisher.grew();
  const queue = new CommitQueue({ crypto, tree, sessions, writer, records, grew });
  const reading = readingOf(place, {
    tree,
    sessions,
    records,
    end: () => writer.end,
    checkpoint: () => publisher.published,
    flush: () => publisher.publish(),
  });
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    await queue.close();
    await publisher.close();
    await writer.close();
  }

  return {
    ...reading,
    get size() {
      return tree.size;
    },
    commit: (commit) => queue.submit(commit),
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
  const { tree, sessions, end, published, fromTiles } = await readSignedPart(place);
  const reading = readingOf(place, {
    tree,
    sessions,
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

function placeOf({ directory, origin, crypto, verifiers }: FileLogReaderOptions): LogPlace {
  return { crypto, origin, verifiers, log: join(directory, 'log'), journal: join(directory, 'journal') };
}
