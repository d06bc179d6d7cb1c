import type { Terminal } from '../terminal.ts';

const ENOUGH = 64 * 1024;

/** Gathers small writes, so that a million lines are not a million system calls. */
export class BufferedOutput {
  readonly #terminal: Terminal;
  #held: string[] = [];
  #length = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  async write(text: string): Promise<void> {
    this.#held.push(text);
    this.#length += text.length;
    if (this.#length >= ENOUGH) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#held.join('');
    this.#held = [];
    this.#length = 0;
    if (text !== '') await this.#terminal.write(text);
  }
}
