import type { Digest } from '@provability-fabric/kernel';
import type { SessionHead } from '../ports.ts';
import type { Frame } from './frame.ts';
import type { SegmentIndex } from './segment-index.ts';

/** A session as far as it lies in this log. */
export interface IndexedSession {
  readonly head: SessionHead;
  /** The first seq that is here; what is below it was decided by another fabric. */
  readonly from: number;
  /** The segments with its statements from there on, ascending. */
  readonly segments: readonly number[];
}

/** Where every session ends and lies. Rebuilt from the journal at every start; the journal is the truth. */
export class SessionIndex {
  readonly #tenants = new Map<string, Map<string, IndexedSession>>();
  /** Where sessions end that another fabric went on with, until the first commit that continues them here. */
  readonly #takenOver = new Map<string, SessionHead>();

  /** Where the session's chain ends, wherever it was decided. */
  head(tenant: string, session: string): SessionHead | undefined {
    return this.#takenOver.get(nameOf(tenant, session)) ?? this.find(tenant, session)?.head;
  }

  find(tenant: string, session: string): IndexedSession | undefined {
    return this.#tenants.get(tenant)?.get(session);
  }

  hasTenant(tenant: string): boolean {
    return this.#tenants.has(tenant);
  }

  /** Where every session ends in this log. */
  *heads(): Iterable<SessionHead> {
    for (const sessions of this.#tenants.values()) {
      for (const { head } of sessions.values()) yield head;
    }
  }

  sessionsOf(tenant: string): readonly string[] {
    return [...(this.#tenants.get(tenant)?.keys() ?? [])];
  }

  /** The session goes on from a head that other fabrics brought it to. */
  takeOver(head: SessionHead): void {
    const { tenant, session, seq, digest } = head;
    const local = this.find(tenant, session)?.head;
    if (local?.seq === seq && local.digest === digest) this.#takenOver.delete(nameOf(tenant, session));
    else this.#takenOver.set(nameOf(tenant, session), { tenant, session, seq, digest });
  }

  isTakenOver(tenant: string, session: string): boolean {
    return this.#takenOver.has(nameOf(tenant, session));
  }

  /** Takes up a durable frame. Answers false where it does not continue its session without a gap. */
  add(frame: Frame, { segment }: { readonly segment: number }): boolean {
    const { tenant, session, entries, takenOver = false } = frame;
    const first = entries[0]?.seq ?? 0;
    let seq = first - 1;
    let digest: Digest | undefined;
    for (const entry of entries) {
      if (entry.seq !== ++seq) return false;
      digest = entry.digest;
    }
    if (digest === undefined || !(takenOver || this.#continues(tenant, session, first))) return false;
    if (takenOver) this.#takenOver.delete(nameOf(tenant, session));
    this.#set({ tenant, session, seq, digest }, takenOver ? first : undefined, segment);
    return true;
  }

  /** Takes up all frames of a segment. Answers false, having taken up none, where a session would have a gap. */
  addSegment({ segment, parts }: Pick<SegmentIndex, 'segment' | 'parts'>): boolean {
    const sound = parts.every(
      ({ tenant, session, takenOver, firstSeq }) => takenOver || this.#continues(tenant, session, firstSeq),
    );
    if (!sound) return false;
    for (const { tenant, session, takenOver, firstSeq, lastSeq, lastDigest } of parts) {
      const head = { tenant, session, seq: lastSeq, digest: lastDigest };
      this.#set(head, takenOver ? firstSeq : undefined, segment);
    }
    return true;
  }

  #continues(tenant: string, session: string, seq: number): boolean {
    return (this.find(tenant, session)?.head.seq ?? -1) + 1 === seq;
  }

  /** `from` is given where the session was taken over: nothing of before is in its chain. */
  #set(head: SessionHead, from: number | undefined, segment: number): void {
    const { tenant, session } = head;
    const sessions = this.#tenants.get(tenant) ?? new Map<string, IndexedSession>();
    this.#tenants.set(tenant, sessions);
    const before = from === undefined ? sessions.get(session) : undefined;
    const segments = before?.segments ?? [];
    sessions.set(session, {
      head,
      from: from ?? before?.from ?? 0,
      segments: segments.at(-1) === segment ? segments : [...segments, segment],
    });
  }
}

/** Neither name can hold a line break. */
function nameOf(tenant: string, session: string): string {
  return `${tenant}\n${session}`;
}
