import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Problem, Settings } from '@provability-fabric/configuration';
import { PfctlError } from './errors.ts';
import type { ExitCode } from './exit-codes.ts';
import { type Style, styleFor } from './output/style.ts';
import type { Terminal } from './terminal.ts';

/** What every command works with. */
export class Shell {
  readonly terminal: Terminal;
  readonly style: Style;
  readonly #finish: (code: ExitCode) => void;

  constructor(terminal: Terminal, finish: (code: ExitCode) => void) {
    this.terminal = terminal;
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

  /**
   * The folder that holds `config/`: the working directory, as for `pf`. Only from within the checkout it is the
   * checkout's: elsewhere a command would work on another fabric than the one that was started there.
   */
  get root(): string {
    const { directory, checkout } = this.terminal;
    const isWithin = `${directory}/`.startsWith(`${checkout}/`);
    return isWithin && !existsSync(join(directory, 'config')) ? checkout : directory;
  }

  async settings(environment: string): Promise<Settings> {
    const { readEnvironment } = await import('@provability-fabric/configuration');
    const read = await readEnvironment(this.root, environment);
    if (read.ok) return read.settings;
    throw await this.refused(read.problems);
  }

  /** Everything that is wrong with a configuration, as one error. */
  async refused(problems: readonly Problem[]): Promise<PfctlError> {
    const { formatProblem } = await import('@provability-fabric/configuration');
    return new PfctlError('INPUT_INVALID', problems.map(formatProblem).join('\n'));
  }
}
