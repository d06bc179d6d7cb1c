import { write } from 'node:fs';

/** What may wait to be written; beyond it lines are dropped and counted. */
const MAX_WAITING_CHARACTERS = 1024 * 1024;
/** How long the end waits for a reader. */
const FLUSH_MS = 1000;
const RETRY_MS = 50;

/**
 * The log's way out towards a reader of somebody else's making: MCP clients may leave a server's stderr unread. A full
 * pipe blocks who writes to it, so that is left to a thread of libuv's, and no decision ever waits for it.
 */
export class LogOutput {
  /** Told how many lines were lost, once there is a reader again. */
  onDropped: (count: number) => void = () => undefined;
  readonly #fd: number;
  #waiting: string[] = [];
  #size = 0;
  #dropped = 0;
  #writing = false;
  #flushing: (() => void)[] = [];

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(line: string): void {
    if (this.#size + line.length > MAX_WAITING_CHARACTERS) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(line);
    this.#size += line.length;
    if (!this.#writing) this.#next();
  }

  /** Calls back once everything is written, or will not be. */
  flush(done: () => void): void {
    if (!this.#writing) return done();
    const patience = setTimeout(done, FLUSH_MS);
    this.#flushing.push(() => {
      clearTimeout(patience);
      done();
    });
  }

  #next(): void {
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#size = 0;
    this.#writing = text !== '';
    if (this.#writing) return this.#writeAll(Buffer.from(text));
    for (const done of this.#flushing.splice(0)) done();
  }

  #writeAll(bytes: Buffer): void {
    write(this.#fd, bytes, (error, written) => {
      // Somebody else made the pipe non-blocking, and it is full.
      if (error?.code === 'EAGAIN') return void setTimeout(() => this.#writeAll(bytes), RETRY_MS);
      if (error === null && written < bytes.length) return this.#writeAll(bytes.subarray(written));
      const dropped = this.#dropped;
      this.#dropped = 0;
      if (dropped > 0 && error === null) this.onDropped(dropped);
      this.#next();
    });
  }
}
