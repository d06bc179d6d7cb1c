import type {
  Commit,
  CommitResult,
  Journal,
  SessionHead,
  StoredStatement,
} from '@provability-fabric/enforcement';

/** A journal that forgets everything when the process ends; for tests of what stands on a journal. */
export class MemoryJournal implements Journal {
  /** While set, every commit throws it, as a full disk would. */
  failure: Error | undefined;
  #size = 0;
  readonly #sessions = new Map<string, { head: SessionHead; readonly statements: StoredStatement[] }>();

  async commit(commit: Commit): Promise<CommitResult> {
    const { tenant, session, expectedSeq, expectedDigest, entries } = commit;
    // Callers never see their own commit within the call that makes it.
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    const known = this.#sessions.get(nameOf(tenant, session));
    const seq = known?.head.seq ?? -1;
    if (seq !== expectedSeq || (known?.head.digest ?? null) !== expectedDigest) {
      return { ok: false, code: 'STALE_SESSION', seq };
    }
    const last = entries.at(-1);
    if (last === undefined || entries.some((entry, position) => entry.seq !== expectedSeq + 1 + position)) {
      throw new Error('expected entries that continue the session without a gap');
    }
    const firstIndex = this.#size;
    this.#size += entries.length;
    const statements = entries.map(({ seq, envelope, salt, record }, position) => {
      return { index: firstIndex + position, seq, envelope, salt, record };
    });
    this.#sessions.set(nameOf(tenant, session), {
      head: { tenant, session, seq: last.seq, digest: last.digest },
      statements: [...(known?.statements ?? []), ...statements],
    });
    return { ok: true, firstIndex };
  }

  *heads(): Iterable<SessionHead> {
    for (const { head } of this.#sessions.values()) yield head;
  }

  head(tenant: string, session: string): SessionHead | undefined {
    return this.#sessions.get(nameOf(tenant, session))?.head;
  }

  async *readSession(tenant: string, session: string): AsyncIterable<StoredStatement> {
    yield* this.#sessions.get(nameOf(tenant, session))?.statements ?? [];
  }
}

/** Ids hold no zero character. */
function nameOf(tenant: string, session: string): string {
  return `${tenant}\0${session}`;
}
