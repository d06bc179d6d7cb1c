import type { Session } from './session.ts';

interface Kept {
  readonly loading: Promise<Session>;
  /** Set once it is loaded. */
  session?: Session;
  used: number;
  /** How many statements it had when it was last looked at: what it remembers grows with them. */
  statements: number;
}

/** A session used within this time is kept, since somebody may be about to queue on it. */
const KEEP_MS = 5000;

/** One that nobody has used for this long leaves memory although there is room: otherwise memory grows until there is none. */
const REST_MS = 120_000;

/** How many of the least recently used are looked at for one that may go. */
const LOOKED_AT = 16;

export interface KeptSessionsOptions {
  /** `goesOn`: it was in memory until now, so what is under way in it is under way still. */
  open(tenant: string, id: string, goesOn: boolean): Promise<Session>;
  /** Whether it is decided under the bundle in force; one that is not is folded anew before it is used. */
  isCurrent(session: Session): boolean;
  /** How many are kept, and how many statements they may have in all; asked each time. */
  readonly most: () => number;
  readonly mostStatements: () => number;
  /** Whether everything of the session is where its next owner will look for it. */
  mayLeave(session: Session): Promise<boolean>;
  /** Called once nobody uses it any more. */
  left(session: Session): Promise<void>;
}

/** The sessions in memory. At any time one object at most stands for a session: it alone knows where the session ends. */
export class KeptSessions {
  readonly #options: KeptSessionsOptions;
  /** In order of use, so that the first is the one to let go. */
  readonly #kept = new Map<string, Kept>();
  #statements = 0;
  /** Sessions on their way out: the next object for one waits for this. */
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(options: KeptSessionsOptions) {
    this.#options = options;
  }

  has(tenant: string, id: string): boolean {
    return this.#kept.has(nameOf(tenant, id));
  }

  load(tenant: string, id: string): Promise<Session> {
    const name = nameOf(tenant, id);
    const kept = this.#kept.get(name);
    if (kept?.session?.held === true && !this.#options.isCurrent(kept.session)) {
      this.#forget(name, kept);
      this.#leave(name, kept.session.retire());
      return this.#open(name, tenant, id, true);
    }
    if (kept !== undefined && kept.session?.held !== false) {
      kept.used = performance.now();
      this.#kept.delete(name);
      this.#kept.set(name, kept);
      this.#count(kept);
      void this.#letGo();
      return kept.loading;
    }
    if (kept?.session !== undefined) this.drop(kept.session);
    return this.#open(name, tenant, id, false);
  }

  /** Forgets a session that cannot go on as it is; what was begun on it ends. */
  drop(session: Session): void {
    const name = nameOf(session.tenant, session.id);
    const kept = this.#kept.get(name);
    if (kept?.session !== session) return;
    this.#forget(name, kept);
    this.#leave(name, session.end());
  }

  /** All that are loaded, or will be. */
  async all(): Promise<readonly Session[]> {
    const loading = [...this.#kept.values()].map((kept) => kept.loading);
    const settled = await Promise.allSettled(loading);
    return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  }

  #open(name: string, tenant: string, id: string, goesOn: boolean): Promise<Session> {
    const before = this.#leaving.get(name);
    const open = () => this.#options.open(tenant, id, goesOn);
    const loading = before === undefined ? open() : before.then(open);
    const kept: Kept = { loading, used: performance.now(), statements: 0 };
    this.#kept.set(name, kept);
    loading.then(
      (session) => {
        kept.session = session;
        this.#count(kept);
      },
      () => {
        if (this.#kept.get(name) === kept) this.#kept.delete(name);
      },
    );
    void this.#letGo();
    return loading;
  }

  #isFull(): boolean {
    return this.#kept.size > this.#options.most() || this.#statements > this.#options.mostStatements();
  }

  #count(kept: Kept): void {
    const now = (kept.session?.seq ?? -1) + 1;
    this.#statements += now - kept.statements;
    kept.statements = now;
  }

  #forget(name: string, kept: Kept): void {
    this.#kept.delete(name);
    this.#statements -= kept.statements;
  }

  #leave(name: string, gone: Promise<void>): void {
    const done = () => {
      if (this.#leaving.get(name) === leaving) this.#leaving.delete(name);
    };
    // A session that could not be left properly is nobody's in particular: opening it again says so.
    const leaving = gone.then(done, done);
    this.#leaving.set(name, leaving);
  }

  async #letGo(): Promise<void> {
    for (const [name, kept] of [...firstOf(this.#kept, LOOKED_AT)]) {
      const { session, used } = kept;
      if (performance.now() - used < (this.#isFull() ? KEEP_MS : REST_MS)) return;
      const leaves = session !== undefined && mayRest(session) && (await this.#options.mayLeave(session));
      if (this.#kept.get(name) !== kept || kept.used !== used) continue; // used or gone in the meantime
      this.#forget(name, kept);
      if (leaves && mayRest(session)) {
        this.#leave(
          name,
          session.end().then(() => this.#options.left(session)),
        );
      } else {
        // What has to stay is looked at again when its turn comes.
        kept.used = performance.now();
        this.#kept.set(name, kept);
        this.#statements += kept.statements;
      }
    }
  }
}

/** An action without an outcome keeps its session in memory: were it let go, its return would have to call it ambiguous. */
function mayRest(session: Session): boolean {
  return session.idle && session.state.pending.size === 0;
}

function* firstOf<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left-- === 0) return;
    yield item;
  }
}

/** Neither part has a line break. */
export function nameOf(tenant: string, id: string): string {
  return `${tenant}\n${id}`;
}
