import type { Ledgered, SessionArchive, SessionHead, StoredStatement } from '@provability-fabric/enforcement';
import type { JournalEntry, MemoryJournal } from './memory-journal.ts';

/** A ledger that several fabrics share within one test. */
export class MemoryLedger implements SessionArchive {
  /** Statements of an earlier fence that came after a later one had been seen: in no session's chain. */
  readonly superseded: JournalEntry[] = [];
  readonly #known = new Set<string>();
  readonly #sessions = new Map<string, { head: SessionHead; fence: number; statements: StoredStatement[] }>();

  async find(tenant: string, session: string): Promise<SessionHead | undefined> {
    return this.#sessions.get(`${tenant}\n${session}`)?.head;
  }

  async *read(tenant: string, session: string): AsyncIterable<StoredStatement> {
    yield* [...(this.#sessions.get(`${tenant}\n${session}`)?.statements ?? [])];
  }

  async newest(tenant: string, prefix: string): Promise<string | undefined> {
    const own = [...this.#sessions.values()].flatMap(({ head }) =>
      head.tenant === tenant && head.session.startsWith(prefix) ? [head.session] : [],
    );
    return own.sort((a, b) => Number(a.slice(prefix.length)) - Number(b.slice(prefix.length))).at(-1);
  }

  /** Raises a session's fence, as taking it over does. */
  fence(tenant: string, session: string, fence: number): void {
    const known = this.#sessions.get(`${tenant}\n${session}`);
    if (known !== undefined) known.fence = Math.max(known.fence, fence);
  }

  /** Takes a statement, once, into its session's chain, or sets it apart. Throws where the chain has a gap or forks. */
  take(entry: JournalEntry, fence: number): void {
    const { tenant, session, digest, ...stored } = entry;
    if (this.#known.has(digest)) return;
    const name = `${tenant}\n${session}`;
    const known = this.#sessions.get(name);
    if (known !== undefined && fence < known.fence) {
      this.superseded.push(entry);
      this.#known.add(digest);
      return;
    }
    if (entry.seq !== (known?.head.seq ?? -1) + 1) {
      throw new Error(`seq ${entry.seq} does not continue seq ${known?.head.seq} of \`${session}\``);
    }
    const head = { tenant, session, seq: entry.seq, digest };
    const statements = known?.statements ?? [];
    statements.push(stored);
    this.#known.add(digest);
    this.#sessions.set(name, { head, fence, statements });
  }
}

/** Ships one journal into a ledger, whenever it is asked how far it is, while the ledger can be reached. */
export class MemoryShipper implements Ledgered {
  /** What the ledger lacks is said to be this old while it cannot be reached. */
  lag = 0;
  #reachable = true;
  #position = 0;
  readonly #waiting = new Set<() => void>();
  readonly #ledger: MemoryLedger;
  readonly #journal: MemoryJournal;
  readonly #fenceOf: (tenant: string, session: string) => number | undefined;

  constructor(
    ledger: MemoryLedger,
    journal: MemoryJournal,
    fenceOf: (tenant: string, session: string) => number | undefined,
  ) {
    this.#ledger = ledger;
    this.#journal = journal;
    this.#fenceOf = fenceOf;
  }

  get reachable(): boolean {
    return this.#reachable;
  }

  set reachable(reachable: boolean) {
    this.#reachable = reachable;
    this.#ship();
    for (const look of this.#waiting) look();
  }

  lagMs(): number {
    return this.#reachable ? 0 : this.lag;
  }

  upTo(index: number, timeoutMs: number): Promise<void> {
    this.#ship();
    if (index < this.#position) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const look = () => {
        if (index >= this.#position) return;
        done();
        resolve();
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error('the ledger cannot be reached'));
      }, timeoutMs);
      this.#waiting.add(look);
    });
  }

  #ship(): void {
    while (this.#reachable && this.#position < this.#journal.entries.length) {
      const entry = this.#journal.entries[this.#position] as JournalEntry;
      this.#ledger.take(entry, this.#fenceOf(entry.tenant, entry.session) ?? 0);
      this.#position += 1;
    }
  }
}
