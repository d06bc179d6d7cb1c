import type { Digest } from '@provability-fabric/kernel';
import { newestSession, type RecordChainName, type SessionHeads } from './newest-session.ts';
import type { RecordPlace } from './record-session.ts';

/** One signed statement on its way into the log. */
export interface RecordEntry {
  readonly seq: number;
  readonly digest: Digest;
  readonly envelope: Uint8Array;
  readonly salt: Uint8Array;
  readonly record: Uint8Array;
}

export interface RecordCommit {
  readonly tenant: string;
  readonly session: string;
  /** Where the session must end for this to apply; -1 and null for a new one. */
  readonly expectedSeq: number;
  readonly expectedDigest: Digest | null;
  readonly entries: readonly RecordEntry[];
}

/**
 * The log of this process; the file log satisfies it by structure. `commit` is atomic over its entries and resolves once
 * they survive a crash; where it throws, nothing of it is ever found. `head` says at once what was committed before.
 */
export interface RecordJournal extends SessionHeads {
  commit(
    commit: RecordCommit,
  ): Promise<{ readonly ok: true } | { readonly ok: false; readonly code: 'STALE_SESSION' }>;
}

export interface Recorded<Fact> {
  readonly fact: Fact;
  readonly entry: RecordEntry;
}

export interface RecordChainOptions<Fact> extends RecordChainName {
  readonly journal: RecordJournal;
  write(place: RecordPlace, fact: Fact): RecordEntry;
  /** What else has to be done with a committed group before its callers are answered; the next commit does not wait. */
  settle?(group: readonly Recorded<Fact>[]): Promise<void>;
  /** Told of each commit; what it makes of a failure is what the callers get. */
  committed(): void;
  failed(cause: unknown): Error;
  /** Nothing waits any more. */
  idle?(): void;
}

interface Waiting<Fact> {
  readonly fact: Fact;
  readonly resolve: (entry: RecordEntry) => void;
  readonly reject: (error: unknown) => void;
}

/** Enough to share a write of the disk, and so few that one group is settled while the next is signed. */
const LARGEST_GROUP = 64;
/** Nobody else writes to these sessions; a head that keeps moving is a fault of its own. */
const MOST_ATTEMPTS = 8;

/** The facts of one kind and tenant, one after the other: what comes while a commit is under way goes into the next one. */
export class RecordChain<Fact> {
  readonly #options: RecordChainOptions<Fact>;
  #waiting: Waiting<Fact>[] = [];
  #running = false;

  constructor(options: RecordChainOptions<Fact>) {
    this.#options = options;
  }

  /** Resolves once it is durable and settled. */
  append(fact: Fact): Promise<RecordEntry> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ fact, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    // Callers that come in the same turn share the first commit too.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const committed = await this.#commit();
      if (committed !== undefined) void this.#settle(committed.group, committed.entries);
    }
    this.#running = false;
    this.#options.idle?.();
  }

  /** Commits as many as fit; undefined where that failed, and they were told so. */
  async #commit(): Promise<
    { readonly group: readonly Waiting<Fact>[]; readonly entries: readonly RecordEntry[] } | undefined
  > {
    const { journal, tenant, length, committed, failed } = this.#options;
    let group: readonly Waiting<Fact>[] = [];
    try {
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        const end = newestSession(journal, this.#options);
        const room = Math.min(LARGEST_GROUP, length - end.seq - 1);
        if (group.length === 0) group = this.#waiting.splice(0, room);
        // A head that moved meanwhile may leave less room: the rest waits in its place.
        if (group.length > room) {
          this.#waiting.unshift(...group.slice(room));
          group = group.slice(0, room);
        }
        const entries = this.#write(group, end);
        const { session, seq, digest } = end;
        const commit = { tenant, session, expectedSeq: seq, expectedDigest: digest, entries };
        const result = await journal.commit(commit);
        if (!result.ok) continue;
        committed();
        return { group, entries };
      }
      throw new Error(`the session moved on ${MOST_ATTEMPTS} times`);
    } catch (cause) {
      const error = failed(cause);
      // Whatever failed, nobody waits for ever.
      if (group.length === 0) group = this.#waiting.splice(0);
      for (const { reject } of group) reject(error);
      return undefined;
    }
  }

  #write(
    group: readonly Waiting<Fact>[],
    { session, seq: last, digest, continues }: ReturnType<typeof newestSession>,
  ): readonly RecordEntry[] {
    let previous = digest;
    return group.map(({ fact }, position) => {
      const seq = last + 1 + position;
      const entry = this.#options.write(
        { session, seq, previous, continues: seq === 0 ? continues : null },
        fact,
      );
      previous = entry.digest;
      return entry;
    });
  }

  async #settle(group: readonly Waiting<Fact>[], entries: readonly RecordEntry[]): Promise<void> {
    const entryOf = (position: number) => entries[position] as RecordEntry;
    try {
      await this.#options.settle?.(group.map(({ fact }, position) => ({ fact, entry: entryOf(position) })));
      for (const [position, { resolve }] of group.entries()) resolve(entryOf(position));
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
