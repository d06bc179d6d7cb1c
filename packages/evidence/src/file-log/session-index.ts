import type { Digest } from '@provability-fabric/kernel';
import type { SessionHead } from '../ports.ts';
import type { Frame, FramePlace } from './frame.ts';

interface IndexedSession {
  readonly head: SessionHead;
  /**
   * Where its frames lie, as segment and offset in turn: a session of a million statements stays one flat
   * list.
   */
  readonly places: number[];
}

/** Where every session ends and lies. Rebuilt from the journal at every start; the journal is the truth. */
export class SessionIndex {
  readonly #tenants = new Map<string, Map<string, IndexedSession>>();

  head(tenant: string, session: string): SessionHead | undefined {
    return this.#tenants.get(tenant)?.get(session)?.head;
  }

  hasTenant(tenant: string): boolean {
    return this.#tenants.has(tenant);
  }

  *heads(): Iterable<SessionHead> {
    for (const sessions of this.#tenants.values()) {
      for (const { head } of sessions.values()) yield head;
    }
  }

  sessionsOf(tenant: string): readonly string[] {
    return [...(this.#tenants.get(tenant)?.keys() ?? [])];
  }

  places(tenant: string, session: string): FramePlace[] {
    const flat = this.#tenants.get(tenant)?.get(session)?.places ?? [];
    const places: FramePlace[] = [];
    for (let i = 0; i < flat.length; i += 2) {
      places.push({ segment: flat[i] as number, offset: flat[i + 1] as number });
    }
    return places;
  }

  /** Takes up a durable frame. Answers false where it does not continue its session without a gap. */
  add(frame: Frame, place: FramePlace): boolean {
    const { tenant, session, entries } = frame;
    let seq = this.head(tenant, session)?.seq ?? -1;
    let digest: Digest | undefined;
    for (const entry of entries) {
      if (entry.seq !== ++seq) return false;
      digest = entry.digest;
    }
    if (digest === undefined) return false;
    const sessions = this.#tenants.get(tenant) ?? new Map<string, IndexedSession>();
    this.#tenants.set(tenant, sessions);
    const places = sessions.get(session)?.places ?? [];
    places.push(place.segment, place.offset);
    sessions.set(session, { head: { tenant, session, seq, digest }, places });
    return true;
  }
}
