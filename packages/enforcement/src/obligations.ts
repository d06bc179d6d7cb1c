import { nameOf } from './kept-sessions.ts';

/** What has to be done in a session by a time of its own clock. */
interface Watched {
  readonly tenant: string;
  readonly session: string;
  /** ms of session time; the next tick after it has something to say. */
  readonly due: number;
}

export interface ObligationsOptions {
  now(): number;
  /** Tells the session that time has passed. Rejects where that cannot be recorded now. */
  tick(tenant: string, session: string): Promise<void>;
  /** Sessions watched at once; of more than these nobody is told until something happens in them. */
  readonly most?: number;
}

const MOST = 100_000;
const EVERY_MS = 1000;
/** Sessions brought up to date in one beat: those that act come first. */
const AT_ONCE = 64;
/** When a session is looked at again whose tick could not be recorded. */
const AGAIN_MS = 60_000;

/**
 * Deadlines of sessions, whether or not they are in memory: an agent that has stopped acting is the very one that must be
 * told on. One timer, which runs while there is something to wait for.
 */
export class Obligations {
  readonly #options: ObligationsOptions;
  readonly #watched = new Map<string, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;
  #closed = false;

  constructor(options: ObligationsOptions) {
    this.#options = options;
  }

  /** `due` undefined: nothing has to be done in the session. */
  note(tenant: string, session: string, due: number | undefined): void {
    const name = nameOf(tenant, session);
    if (due === undefined) this.#watched.delete(name);
    else if (this.#watched.has(name) || this.#watched.size < (this.#options.most ?? MOST))
      this.#watched.set(name, { tenant, session, due });
    if (this.#watched.size === 0 || this.#closed) this.#stop();
    else this.#timer ??= setInterval(() => void this.beat(), EVERY_MS).unref();
  }

  /** Ticks what is due. One at a time: while one goes on another is the same one. */
  beat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stop();
    await this.#beating;
  }

  async #beat(): Promise<void> {
    const now = this.#options.now();
    const due: Watched[] = [];
    for (const watched of this.#watched.values()) {
      if (watched.due < now) due.push(watched);
      if (due.length === AT_ONCE) break;
    }
    for (const watched of due) {
      if (this.#closed) return;
      const { tenant, session } = watched;
      // Whoever refuses has told the observer why.
      await this.#options.tick(tenant, session).catch(() => undefined);
      // A session that has moved has been noted anew; what is due all the same must not be asked for all the time.
      const after = this.#watched.get(nameOf(tenant, session));
      if (after !== undefined && after.due < now) this.note(tenant, session, now + AGAIN_MS);
    }
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
