import { CommandShell, visible, visibleJson } from '@provability-fabric/command-line';
import type { ExitCode } from './exit-codes.ts';
import type { Governance } from './governance.ts';
import type { Terminal } from './terminal.ts';

/** What every command works with. */
export class Shell extends CommandShell<Terminal, ExitCode> {
  /** The governor of a data folder; heavy, so it is loaded by those that need it. */
  readonly governance: () => Promise<Governance>;

  constructor(terminal: Terminal, governance: () => Promise<Governance>, finish: (code: ExitCode) => void) {
    super(terminal, finish);
    this.governance = governance;
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
    await this.terminal.write(`${visibleJson(JSON.stringify(value))}\n`);
  }
}
