import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, CommandShell } from '@provability-fabric/command-line';
import type { Problem, Settings } from '@provability-fabric/configuration';
import type { ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

/** What every command works with. */
export class Shell extends CommandShell<Terminal, ExitCode> {
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
  async refused(problems: readonly Problem[]): Promise<CommandError> {
    const { formatProblem } = await import('@provability-fabric/configuration');
    return new CommandError('INPUT_INVALID', problems.map(formatProblem).join('\n'));
  }
}
