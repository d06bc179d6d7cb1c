import { EvidenceError } from '../errors.ts';
import type { FileLog } from '../file-log/file-log.ts';
import type { LedgerEntry, LedgerWriter } from '../ledger/ports.ts';
import type { Emit, LogEntry } from '../ports.ts';
import { Ages } from './ages.ts';
import { BackOff } from './back-off.ts';
import { cutBatch } from './batch.ts';
import { FreshEntries } from './fresh-entries.ts';
import { ledgerEntryOf } from './ledger-entry.ts';
import { codeOf, isContradiction, logBehindLedger } from './shipping-problem.ts';
import { WaitingForLedger } from './waiting-for-ledger.ts';

/** What is kept in memory between its commit and its shipping; what no longer fits is read from the journal. */
const FRESH_BYTES = 32 * 1024 * 1024;
/** The position is remembered at most this often. */
const REMEMBER_EVERY_MS = 1_000;
/** Statements from outside the log that wait for the ledger; of more, the oldest are dropped. */
const MOST_LOOSE = 256;

export interface ShipperOptions {
  readonly log: Pick<
    FileLog,
    'size' | 'freed' | 'entries' | 'onDurable' | 'freeUpTo' | 'shipped' | 'rememberShipped'
  >;
  readonly ledger: LedgerWriter;
  /** Stable id of the log: under it the ledger keeps how far it has it. */
  readonly writer: string;
  readonly batch?: { readonly entries: number; readonly bytes: number };
  readonly emit: Emit;
  /** ms since 1970: only the age of what an earlier process left is told by it. */
  readonly now: () => number;
  /** ms that only go up. */
  readonly monotonic: () => number;
  /** From 0 to below 1, for the jitter of retries. */
  readonly random: () => number;
  /** Whether segments go once the ledger has them. Only for a log with an archive. */
  readonly free?: boolean;
}

/** Carries a log into the ledger: every entry, in log order, once. */
export interface Shipper {
  /** Age of the oldest durable entry that the ledger is not known to have; Infinity once shipping is refused. */
  lagMs(): number;
  /** Resolves when the ledger has the entry at `index`; throws EVIDENCE_UNAVAILABLE after the time. */
  upTo(index: number, timeoutMs: number): Promise<void>;
  /** How many entries of the log the ledger is known to have. */
  position(): number;
  /** Resolves with true once the ledger answered and nothing contradicts; false after the time or a refusal. */
  reached(timeoutMs: number): Promise<boolean>;
  /** A signed statement that lies in no file log. Of too many that wait, the oldest are dropped. */
  add(entry: LedgerEntry): void;
  /** What is wrong, for /health. */
  health(): readonly string[];
  /** Ships what is there for up to `flushMs`, then stops. Answers whether the ledger has everything. */
  close(options: { readonly flushMs: number }): Promise<boolean>;
}

export async function createShipper(options: ShipperOptions): Promise<Shipper> {
  const shipper = new LogShipper(options);
  await shipper.start();
  return shipper;
}

class LogShipper implements Shipper {
  readonly #options: ShipperOptions;
  readonly #limit: { readonly entries: number; readonly bytes: number };
  readonly #fresh = new FreshEntries(FRESH_BYTES);
  readonly #ages = new Ages();
  readonly #waiting = new WaitingForLedger();
  readonly #backOff: BackOff;
  #loose: LedgerEntry[] = [];
  #position: number;
  /** Where the next batch begins; undefined while only the ledger knows. */
  #next: number | undefined;
  #inTouch = false;
  #lost: string | undefined;
  #refused: string | undefined;
  #closed = false;
  #remembered = { position: -1, at: Number.NEGATIVE_INFINITY };
  #wake: () => void = () => undefined;
  #touched: () => void = () => undefined;
  readonly #firstTouch = new Promise<void>((resolve) => {
    this.#touched = resolve;
  });
  #running: Promise<void> = Promise.resolve();
  #stopListening: () => void = () => undefined;

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#limit = options.batch ?? { entries: 1_000, bytes: 4 * 1024 * 1024 };
    this.#backOff = new BackOff(options.random);
    this.#position = Math.min(options.log.shipped, options.log.size);
  }

  async start(): Promise<void> {
    this.#stopListening = this.#options.log.onDurable((entries) => this.#durable(entries));
    await this.#ageOfBacklog();
    this.#running = this.#run();
  }

  lagMs(): number {
    if (this.#refused !== undefined) return Number.POSITIVE_INFINITY;
    if (this.#position >= this.#options.log.size) return 0;
    const since = this.#ages.of(this.#position);
    return since === undefined ? Number.POSITIVE_INFINITY : Math.max(0, this.#options.monotonic() - since);
  }

  async upTo(index: number, timeoutMs: number): Promise<void> {
    if (index < this.#position) return;
    const problem = this.#refused ?? (this.#closed ? 'shipping has stopped' : undefined);
    if (problem !== undefined) {
      throw new EvidenceError('EVIDENCE_UNAVAILABLE', `the statement did not reach the ledger: ${problem}`);
    }
    await this.#waiting.wait(index, timeoutMs);
  }

  position(): number {
    return this.#position;
  }

  async reached(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#firstTouch, timedOut]);
    clearTimeout(timer);
    return this.#inTouch && this.#refused === undefined;
  }

  add(entry: LedgerEntry): void {
    this.#loose.push(entry);
    if (this.#loose.length > MOST_LOOSE) this.#loose.shift();
    this.#wake();
  }

  health(): readonly string[] {
    const problem = this.#refused ?? this.#lost;
    return problem === undefined ? [] : [problem];
  }

  async close({ flushMs }: { readonly flushMs: number }): Promise<boolean> {
    const last = this.#options.log.size - 1;
    await this.upTo(last, flushMs).catch(() => undefined);
    this.#closed = true;
    this.#stopListening();
    this.#waiting.giveUp('shipping has stopped');
    this.#wake();
    // An append that hangs is left behind: whether it arrives, the next start asks the ledger.
    await Promise.race([this.#running, new Promise((resolve) => setTimeout(resolve, flushMs).unref())]);
    await this.#remember(true);
    return this.#position > last;
  }

  #durable(entries: readonly LogEntry[]): void {
    const [first] = entries;
    if (first === undefined) return;
    this.#ages.note(first.index, this.#options.monotonic());
    this.#fresh.add(entries);
    this.#wake();
  }

  /** What an earlier process left has the age that its first statement tells; the clock may have jumped since. */
  async #ageOfBacklog(): Promise<void> {
    const { log, now, monotonic } = this.#options;
    if (this.#position >= log.size) return;
    const [oldest] = await log.entries(this.#position, { entries: 1, bytes: 1 });
    if (oldest === undefined) return;
    const age = Math.max(0, now() - ledgerEntryOf(oldest).issuedAt);
    this.#ages.noteOldest(oldest.index, monotonic() - age);
  }

  async #run(): Promise<void> {
    while (!this.#closed && this.#refused === undefined) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      try {
        const done = await this.#shipOnce();
        if (done === 'asked') continue;
        this.#backOff.succeeded();
        this.#touch();
        if (done === 'nothing') await woken;
      } catch (error) {
        // Whether the batch got there is not known: only the ledger says where to go on.
        this.#next = undefined;
        await this.#failed(error);
      }
    }
  }

  /** One request at a time. */
  async #shipOnce(): Promise<'asked' | 'sent' | 'nothing'> {
    const { log, ledger, writer } = this.#options;
    if (this.#next === undefined) {
      this.#next = await this.#startingPoint();
      return 'asked';
    }
    const from = this.#next;
    const found = this.#fresh.take(from, this.#limit) ?? (await log.entries(from, this.#limit));
    if (found.length === 0) return this.#shipLoose();
    const { entries, fences } = cutBatch(found);
    const appended = await ledger.append({ writer, from, entries, ...fences });
    const end = from + entries.length;
    if (appended.position === null || appended.position < end || appended.position > log.size) {
      throw logBehindLedger(appended.position ?? 0, log.size);
    }
    this.#advance(appended.position);
    return 'sent';
  }

  async #startingPoint(): Promise<number> {
    const { log, ledger, writer } = this.#options;
    const position = await ledger.position(writer);
    if (position > log.size) throw logBehindLedger(position, log.size);
    this.#position = position;
    await this.#ageOfPosition();
    // Its last entry is sent again: a log that was restored from a backup and went on has another one there, and
    // the ledger refuses that.
    return position > log.freed ? position - 1 : position;
  }

  async #ageOfPosition(): Promise<void> {
    if (this.#ages.of(this.#position) === undefined) await this.#ageOfBacklog();
    this.#waiting.reached(this.#position);
  }

  async #shipLoose(): Promise<'sent' | 'nothing'> {
    const entries = this.#loose;
    if (entries.length === 0) return 'nothing';
    this.#loose = [];
    try {
      await this.#options.ledger.append({ writer: this.#options.writer, from: null, entries });
    } catch (error) {
      this.#loose = [...entries, ...this.#loose].slice(-MOST_LOOSE);
      throw error;
    }
    return 'sent';
  }

  #advance(position: number): void {
    const { log, free, emit } = this.#options;
    this.#position = position;
    this.#next = position;
    this.#fresh.dropBefore(position);
    this.#ages.dropBefore(position);
    this.#waiting.reached(position);
    this.#remember(false).catch(() => undefined);
    if (free !== true) return;
    log.freeUpTo(position).catch((error: unknown) => {
      emit('journal_free_failed', { code: codeOf(error), index: position });
    });
  }

  async #remember(now: boolean): Promise<void> {
    const { log, monotonic } = this.#options;
    const at = monotonic();
    const due = now || at - this.#remembered.at >= REMEMBER_EVERY_MS;
    if (!due || this.#remembered.position === this.#position) return;
    this.#remembered = { position: this.#position, at };
    // A bound that stays too low only lets a start without the ledger refuse more than it must.
    await log.rememberShipped(this.#position).catch(() => undefined);
  }

  #touch(): void {
    this.#touched();
    if (this.#inTouch && this.#lost === undefined) return;
    this.#inTouch = true;
    this.#lost = undefined;
    this.#options.emit('ledger_reached', { position: this.#position, size: this.#options.log.size });
  }

  async #failed(error: unknown): Promise<void> {
    const { emit } = this.#options;
    const code = codeOf(error);
    if (isContradiction(error)) {
      const message = error instanceof Error ? error.message : code;
      this.#refused = `the ledger and this log contradict each other (${code}): ${message}`;
      this.#waiting.giveUp(this.#refused);
      this.#touched();
      emit('ledger_refused', { code, position: this.#position, problem: message });
      return;
    }
    const pause = this.#backOff.failed();
    if (this.#backOff.failures > 1 && this.#lost === undefined) {
      this.#lost = `the ledger cannot be written to (${code}); evidence waits in the journal`;
      emit('ledger_lost', { code, position: this.#position });
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause);
      const wake = this.#wake;
      // Only closing ends a pause early: every commit wakes.
      this.#wake = () => {
        if (!this.#closed) return wake();
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
