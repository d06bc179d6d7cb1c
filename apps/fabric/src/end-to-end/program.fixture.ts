// Test code only: a program as a real child process, heard line by line.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { afterAll } from 'vitest';

const PATIENCE_MS = 25_000;
const running = new Set<Program>();

afterAll(async () => {
  for (const program of running) program.kill('SIGKILL');
  await Promise.all([...running].map((program) => program.exited));
});

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The lines of a stream so far, and those to come. */
export class Lines {
  readonly all: string[] = [];
  #ended = false;
  #waiting: (() => void)[] = [];

  constructor(stream: Readable) {
    const wake = () => {
      for (const waiter of this.#waiting.splice(0)) waiter();
    };
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
      .on('line', (line) => {
        this.all.push(line);
        wake();
      })
      .on('close', () => {
        this.#ended = true;
        wake();
      });
  }

  get text(): string {
    return this.all.join('\n');
  }

  /** The first line, past or to come, of which `read` makes something. */
  async first<T>(what: string, read: (line: string) => T | undefined): Promise<T> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const timeUp = once(patience, 'abort');
    for (let at = 0; ; ) {
      for (; at < this.all.length; at++) {
        const found = read(this.all[at] as string);
        if (found !== undefined) return found;
      }
      if (this.#ended || patience.aborted)
        throw new Error(`expected ${what}, came:\n${this.text.slice(-4000)}`);
      await Promise.race([timeUp, new Promise<void>((resolve) => this.#waiting.push(resolve))]);
    }
  }
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Leaves what it writes to stderr where it is, until the pipe is full. */
  readonly ignoreLog?: boolean;
}

export class Program {
  readonly out: Lines;
  readonly err: Lines;
  readonly exited: Promise<Exit>;
  /** Once it has exited and all that it wrote is read. */
  readonly ended: Promise<Exit>;
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(
    command: string,
    args: readonly string[],
    { cwd, env, ignoreLog = false }: ProgramOptions = {},
  ) {
    const environment = { PATH: process.env.PATH, HOME: process.env.HOME, ...env };
    this.#child = spawn(command, [...args], { cwd, env: environment, stdio: 'pipe' });
    this.#child.stdin.on('error', () => undefined); // a program that has ended: `ended` tells
    this.out = new Lines(this.#child.stdout);
    this.err = new Lines(ignoreLog ? Readable.from([]) : this.#child.stderr);
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => {
        running.delete(this);
        resolve({ code, signal });
      });
    });
    this.ended = Promise.all([this.exited, once(this.#child, 'close')]).then(([exit]) => exit);
    running.add(this);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Resolves when the bytes have left this process. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#child.stdin.write(bytes, () => resolve()));
  }

  get streams() {
    return { input: this.#child.stdin, output: this.#child.stdout };
  }

  closeInput(): void {
    this.#child.stdin.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
