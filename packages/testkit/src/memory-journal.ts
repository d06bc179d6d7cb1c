import type {
  Commit,
  CommitResult,
  Journal,
  SessionHead,
  StoredStatement,
} from '@provability-fabric/enforcement';
import type { Digest } from '@provability-fabric/kernel';

/** A statement with the session that it belongs to. */
export interface JournalEntry extends StoredStatement {
  readonly tenant: string;
  readonly session: string;
  readonly digest: Digest;
}

/** A journal that forgets everything when the process ends; for tests of what stands on a journal. */
export class MemoryJournal implements Journal {
  /** While set, every commit throws it, as a full disk would. */
  failure: Error | undefined;
  /** Where statements are that another fabric decided. */
  archive: { read(tenant: string, session: string): AsyncIterable<StoredStatement> } | undefined;
  /** Everything ever committed, by index. */
  readonly entries: JournalEntry[] = [];
  /** Where sessions end that another fabric went on with, until the next commit. */
  readonly #elsewhere = new Map<string, SessionHead>();
  readonly #sessions = new Map<string, { head: SessionHead; readonly statements: StoredStatement[] }>();

  async commit(commit: Commit): Promise<CommitResult> {
    const { tenant, session, expectedSeq, expectedDigest, entries } = commit;
    // Callers never see their own commit within the call that makes it.
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    const name = nameOf(tenant, session);
    const known = this.#sessions.get(name);
    const head = this.head(tenant, session);
    const seq = head?.seq ?? -1;
    if (seq !== expectedSeq || (head?.digest ?? null) !== expectedDigest) {
      return { ok: false, code: 'STALE_SESSION', seq };
    }
    const last = entries.at(-1);
    if (last === undefined || entries.some((entry, position) => entry.seq !== expectedSeq + 1 + position)) {
      throw new Error('expected entries that continue the session without a gap');
    }
    const firstIndex = this.entries.length;
    const statements = entries.map(({ seq, envelope, salt, record }, position) => {
      return { index: firstIndex + position, seq, envelope, salt, record };
    });
    for (const [position, statement] of statements.entries()) {
      const { digest } = entries[position] as (typeof entries)[number];
      this.entries.push({ ...statement, tenant, session, digest });
    }
    const before = this.#elsewhere.has(name) ? [] : (known?.statements ?? []);
    this.#elsewhere.delete(name);
    this.#sessions.set(name, {
      head: { tenant, session, seq: last.seq, digest: last.digest },
      statements: [...before, ...statements],
    });
    return { ok: true, firstIndex };
  }

  *heads(): Iterable<SessionHead> {
    for (const { head } of this.#sessions.values()) yield head;
  }

  head(tenant: string, session: string): SessionHead | undefined {
    const name = nameOf(tenant, session);
    return this.#elsewhere.get(name) ?? this.#sessions.get(name)?.head;
  }

  async *readSession(tenant: string, session: string): AsyncIterable<StoredStatement> {
    const name = nameOf(tenant, session);
    const end = this.#elsewhere.get(name);
    const ours = end === undefined ? (this.#sessions.get(name)?.statements ?? []) : [];
    const from = ours[0]?.seq ?? (end?.seq ?? -1) + 1;
    if (from > 0) {
      for await (const stored of this.archive?.read(tenant, session) ?? []) {
        if (stored.seq < from) yield { ...stored, index: -1 };
      }
    }
    yield* ours;
  }

  continueFrom(head: SessionHead): void {
    const name = nameOf(head.tenant, head.session);
    const ours = this.#sessions.get(name)?.head;
    if (ours?.seq === head.seq && ours.digest === head.digest) this.#elsewhere.delete(name);
    else this.#elsewhere.set(name, head);
  }
}

/** Ids hold no zero character. */
function nameOf(tenant: string, session: string): string {
  return `${tenant}\0${session}`;
}
