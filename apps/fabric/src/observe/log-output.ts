import { constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';

/** What may wait for the reader; what comes then is dropped and counted. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** How long the end waits for the reader. */
const FLUSH_MS = 1000;

/**
 * The log's way out towards a reader of somebody else's making: MCP clients may leave a server's stderr unread, and no
 * decision may wait for them.
 */
export class LogOutput {
  /** Told how many writes were lost, once the reader reads again. */
  onDropped: (count: number) => void = () => undefined;
  readonly #stream: Writable;
  #dropped = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', () => undefined); // the reader has gone; that is no reason to stop
  }

  write(text: string | Buffer): void {
    if (this.#stream.writableLength + text.length > MAX_WAITING_BYTES) this.#dropped++;
    else this.#stream.write(text, this.#written);
  }

  /** The same way out, for the server behind us: it must not wait either. */
  asStream(): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.write(chunk);
        done();
      },
    });
  }

  /** Calls back once everything is written, or will not be. */
  flush(done: () => void): void {
    const patience = setTimeout(done, FLUSH_MS);
    this.#stream.write('', () => {
      clearTimeout(patience);
      done();
    });
  }

  readonly #written = () => {
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.onDropped(dropped);
  };
}

/**
 * Stderr as a stream that never blocks the process. A pipe is opened anew, since whoever else writes to it must not find
 * it non-blocking; a socket cannot be.
 */
export function stderrStream(): Writable {
  const kind = fstatSync(2);
  if (kind.isSocket()) return new Socket({ fd: 2, readable: false });
  if (!kind.isFIFO() || process.platform !== 'linux') return process.stderr;
  return new Socket({
    fd: openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK),
    readable: false,
  });
}
