import type { Terminal } from '../terminal.ts';

const FIRST_AFTER_MS = 2000;
const EVERY_MS = 200;
const CLEAR_LINE = '\r\u001b[K';

/** Says how far long work has come, on standard error and only where somebody watches. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #total: number | undefined;
  readonly #start: number;
  #bytes = 0;
  #next: number;
  #shown = false;

  constructor(terminal: Terminal, totalBytes: number | undefined) {
    this.#terminal = terminal;
    this.#total = totalBytes;
    this.#start = terminal.now();
    this.#next = terminal.watched ? this.#start + FIRST_AFTER_MS : Number.POSITIVE_INFINITY;
  }

  read(bytes: number): void {
    this.#bytes += bytes;
  }

  at(events: number): void {
    // The clock is asked now and then, not for each of a million events.
    if (events % 256 !== 0 || this.#next === Number.POSITIVE_INFINITY) return;
    const now = this.#terminal.now();
    if (now < this.#next) return;
    this.#next = now + EVERY_MS;
    this.#shown = true;
    const percent = this.#total ? `, ${Math.floor((100 * this.#bytes) / this.#total)} % read` : '';
    const seconds = Math.floor((now - this.#start) / 1000);
    this.#terminal.note(`${CLEAR_LINE}${events} events${percent}, ${seconds} s`);
  }

  done(): void {
    if (this.#shown) this.#terminal.note(CLEAR_LINE);
    this.#shown = false;
  }
}
