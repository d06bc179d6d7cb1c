import { resolve } from 'node:path';
import type { ExitCode } from './exit-codes.ts';
import type { Governance } from './governance.ts';
import { type Style, styleFor } from './output/style.ts';
import { visible } from './output/visible.ts';
import type { Terminal } from './terminal.ts';

/** What every command works with. */
export class Shell {
  readonly terminal: Terminal;
  readonly style: Style;
  /** The governor of a data folder; heavy, so it is loaded by those that need it. */
  readonly governance: () => Promise<Governance>;
  readonly #finish: (code: ExitCode) => void;

  constructor(terminal: Terminal, governance: () => Promise<Governance>, finish: (code: ExitCode) => void) {
    this.terminal = terminal;
    this.governance = governance;
    this.style = styleFor(terminal.colour);
    this.#finish = finish;
  }

  /** Makes a command's answer the process's exit code. */
  action<Args extends readonly unknown[]>(
    work: (...args: Args) => Promise<ExitCode>,
  ): (...args: Args) => Promise<void> {
    return async (...args) => this.#finish(await work(...args));
  }

  /** A path as it was typed, from the working directory. */
  path(typed: string): string {
    return resolve(this.terminal.directory, typed);
  }

  /** One line that says what went well. */
  async good(text: string): Promise<void> {
    await this.terminal.write(`${this.style('✓', 'good')} ${visible(text)}\n`);
  }

  /** One line on standard error that says what did not. */
  bad(text: string): void {
    this.terminal.note(`✗ ${visible(text)}\n`);
  }

  async json(value: unknown): Promise<void> {
    const { visibleJson } = await import('./output/visible.ts');
    await this.terminal.write(`${visibleJson(JSON.stringify(value))}\n`);
  }
}
