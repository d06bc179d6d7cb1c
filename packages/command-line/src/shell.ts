import { resolve } from 'node:path';
import { type Style, styleFor } from './style.ts';
import type { CommandTerminal } from './terminal.ts';

/** What every command works with. */
export class CommandShell<Terminal extends CommandTerminal, Code extends number> {
  readonly terminal: Terminal;
  readonly style: Style;
  readonly #finish: (code: Code) => void;

  constructor(terminal: Terminal, finish: (code: Code) => void) {
    this.terminal = terminal;
    this.style = styleFor(terminal.colour);
    this.#finish = finish;
  }

  /** Makes a command's answer the process's exit code. */
  action<Args extends readonly unknown[]>(
    work: (...args: Args) => Promise<Code>,
  ): (...args: Args) => Promise<void> {
    return async (...args) => this.#finish(await work(...args));
  }

  /** A path as it was typed, from the working directory. */
  path(typed: string): string {
    return resolve(this.terminal.directory, typed);
  }
}
