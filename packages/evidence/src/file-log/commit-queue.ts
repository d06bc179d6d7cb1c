import { type Crypto, leafHash } from '@provability-fabric/kernel';
import { EvidenceError, systemCode } from '../errors.ts';
import type { Commit, CommitEntry, CommitResult, RecordSealer, SessionHead } from '../ports.ts';
import { checkCommit } from './commit-check.ts';
import { type Frame, frameBytes, type PlacedFrame, writeFrame } from './frame.ts';
import { leafData } from './journal-reader.ts';
import type { SegmentWriter } from './segment-writer.ts';
import type { SessionIndex } from './session-index.ts';
import type { TileTree } from './tile-tree.ts';

/** Beyond either, a commit is refused at once: callers that wait hold agents, and memory, for ever. */
const MAX_WAITING_COMMITS = 8192;
const MAX_WAITING_BYTES = 256 * 1024 * 1024;

/** One write and one sync at most cover this much. */
const MAX_GROUP_COMMITS = 1024;
const MAX_GROUP_BYTES = 16 * 1024 * 1024;

/** The costly half of a commit, done while the group before it is on its way to the disk. */
interface Prepared {
  readonly sealedRecords: readonly Uint8Array[];
  readonly leaves: readonly { readonly data: Uint8Array; readonly hash: Uint8Array }[];
}

interface Waiting {
  readonly commit: Commit;
  readonly bytes: number;
  readonly fence: number | undefined;
  readonly prepared: Promise<Prepared>;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: EvidenceError) => void;
}

interface Accepted {
  readonly waiting: Waiting;
  readonly frame: Frame;
  readonly prepared: Prepared;
}

/**
 * Group commit: while one group is written and synced the next one gathers. Groups are settled one after the
 * other, so a commit is held against heads that are durable, or that become durable in the same write as it.
 */
export class CommitQueue {
  readonly #crypto: Crypto;
  readonly #tree: TileTree;
  readonly #sessions: SessionIndex;
  readonly #writer: SegmentWriter;
  readonly #records: RecordSealer;
  readonly #fences: (tenant: string, session: string) => number | undefined;
  readonly #grew: (frames: readonly PlacedFrame[]) => void;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: {
    readonly crypto: Crypto;
    readonly tree: TileTree;
    readonly sessions: SessionIndex;
    readonly writer: SegmentWriter;
    readonly records: RecordSealer;
    /** Under which fence a session is decided, asked when a commit is handed in. */
    readonly fences: (tenant: string, session: string) => number | undefined;
    /** Called with what became durable, in log order, in the same turn in which heads show it. */
    readonly grew: (frames: readonly PlacedFrame[]) => void;
  }) {
    this.#crypto = options.crypto;
    this.#tree = options.tree;
    this.#sessions = options.sessions;
    this.#writer = options.writer;
    this.#records = options.records;
    this.#fences = options.fences;
    this.#grew = options.grew;
  }

  async submit(commit: Commit): Promise<CommitResult> {
    const bytes = checkCommit(commit);
    if (this.#closed) throw unavailable('the log is closed');
    if (this.#waiting.length >= MAX_WAITING_COMMITS || this.#bytes + bytes > MAX_WAITING_BYTES) {
      throw unavailable(`${this.#waiting.length} commits of ${this.#bytes} bytes wait already`);
    }
    const prepared = this.#prepare(commit);
    prepared.catch(() => undefined); // looked at when the commit's turn comes
    const fence = this.#fences(commit.tenant, commit.session);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, bytes, fence, prepared, resolve, reject });
      this.#bytes += bytes;
      this.#running ??= this.#run();
    });
  }

  /** Accepts nothing more; resolves when everything accepted is settled. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #prepare({ tenant, session, entries }: Commit): Promise<Prepared> {
    const seal = await this.#records.sealer(tenant, this.#sessions.hasTenant(tenant));
    return {
      sealedRecords: entries.map(({ seq, record }) => seal({ tenant, session, seq }, record)),
      leaves: entries.map((entry) => {
        const data = leafData(this.#crypto, entry);
        return { data, hash: leafHash(this.#crypto, data) };
      }),
    };
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Callers that were just answered come back with their next commit in this turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#settle(this.#take());
    }
    this.#running = undefined;
  }

  #take(): Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const waiting of this.#waiting) {
      if (count === MAX_GROUP_COMMITS || (count > 0 && bytes + waiting.bytes > MAX_GROUP_BYTES)) break;
      count++;
      bytes += waiting.bytes;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #settle(group: readonly Waiting[]): Promise<void> {
    const prepared = await Promise.allSettled(group.map((waiting) => waiting.prepared));
    const accepted: Accepted[] = [];
    const stale: { waiting: Waiting; onto: SessionHead | undefined }[] = [];
    const heads = new Map<string, SessionHead>();
    let index = this.#tree.size;
    for (const [position, waiting] of group.entries()) {
      const outcome = prepared[position] as PromiseSettledResult<Prepared>;
      if (outcome.status === 'rejected') {
        waiting.reject(keyFailure(outcome.reason));
        continue;
      }
      const { tenant, session, expectedSeq, expectedDigest, entries } = waiting.commit;
      // Neither name can hold a zero character.
      const name = `${tenant}\0${session}`;
      const inGroup = heads.get(name);
      const head = inGroup ?? this.#sessions.head(tenant, session);
      if ((head?.seq ?? -1) !== expectedSeq || (head?.digest ?? null) !== expectedDigest) {
        stale.push({ waiting, onto: inGroup });
        continue;
      }
      const takenOver = inGroup === undefined && this.#sessions.isTakenOver(tenant, session);
      const { seq, digest } = entries.at(-1) as CommitEntry;
      heads.set(name, { tenant, session, seq, digest });
      accepted.push({
        waiting,
        prepared: outcome.value,
        frame: frameOf(waiting, outcome.value, index, takenOver),
      });
      index += entries.length;
    }
    const failure = await this.#write(accepted).catch((error: unknown) => asUnavailable(error));
    for (const { waiting, frame } of accepted) {
      if (failure === undefined) waiting.resolve({ ok: true, firstIndex: frame.firstIndex });
      else waiting.reject(failure);
    }
    for (const { waiting, onto } of stale) {
      // Stale only against what turned out not to be there: then it is not known to be stale.
      if (failure !== undefined && onto !== undefined) waiting.reject(failure);
      else waiting.resolve({ ok: false, code: 'STALE_SESSION', seq: this.#seqOf(waiting.commit) });
    }
  }

  async #write(accepted: readonly Accepted[]): Promise<undefined> {
    const [first] = accepted;
    if (first === undefined) return;
    const group = Buffer.allocUnsafe(accepted.reduce((sum, { frame }) => sum + frameBytes(frame), 0));
    const start = this.#writer.place(first.frame.firstIndex, group.length);
    const placed: PlacedFrame[] = [];
    let end = 0;
    for (const { frame } of accepted) {
      const place = { segment: start.segment, offset: start.size + end };
      placed.push({ frame, place });
      end = writeFrame(group, end, frame, place, start.size);
    }
    await this.#writer.append(start, group);
    accepted.forEach(({ prepared }, position) => {
      const { frame, place } = placed[position] as PlacedFrame;
      this.#sessions.add(frame, place);
      for (const { data, hash } of prepared.leaves) this.#tree.append(data, hash);
    });
    this.#grew(placed);
  }

  #seqOf({ tenant, session }: Commit): number {
    return this.#sessions.head(tenant, session)?.seq ?? -1;
  }
}

function frameOf(
  { commit: { tenant, session, entries }, fence }: Waiting,
  prepared: Prepared,
  firstIndex: number,
  takenOver: boolean,
): Frame {
  return {
    firstIndex,
    tenant,
    session,
    ...(takenOver ? { takenOver } : {}),
    ...(fence === undefined ? {} : { fence }),
    entries: entries.map(({ seq, digest, salt, envelope }, position) => {
      const sealedRecord = prepared.sealedRecords[position] as Uint8Array;
      return { seq, digest, salt, envelope, sealedRecord };
    }),
  };
}

function unavailable(problem: string, cause?: unknown): EvidenceError {
  const options = cause === undefined ? {} : { cause };
  return new EvidenceError('EVIDENCE_UNAVAILABLE', `nothing was recorded: ${problem}`, options);
}

function asUnavailable(error: unknown): EvidenceError {
  return error instanceof EvidenceError
    ? error
    : unavailable(`the journal failed (${systemCode(error)})`, error);
}

/** A key that others can read keeps its own code; a key that could not be written is a disk that is full. */
function keyFailure(error: unknown): EvidenceError {
  if (error instanceof EvidenceError) return error;
  return unavailable(`the tenant's record key could not be had (${systemCode(error)})`, error);
}
