import { type Command, CommanderError } from 'commander';
import { OutputClosedError } from './errors.ts';
import type { CommandTerminal } from './terminal.ts';
import { visibleLines } from './visible.ts';

/** How a program ends. */
export interface Ending<Code extends number> {
  readonly ok: Code;
  /** Of a program whose reader went away. */
  readonly failure: Code;
  exitCodeFor(error: unknown): Code;
  /** Tells people; what commander has told already does not come here. */
  tell(error: unknown): void;
  /** Show the stack of an error as well. */
  readonly debug: boolean;
}

/** Runs one command line. Whatever happens comes out as an exit code and at most a few lines on standard error. */
export async function runProgram<Code extends number>(
  args: readonly string[],
  terminal: CommandTerminal,
  build: (finish: (code: Code) => void) => Command,
  ending: Ending<Code>,
): Promise<Code> {
  let code = ending.ok;
  try {
    const program = build((result) => {
      code = result;
    });
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof OutputClosedError) return ending.failure;
    // Commander has said what it had to say; it also ends the help this way.
    if (!(error instanceof CommanderError)) {
      ending.tell(error);
      if (ending.debug && error instanceof Error) terminal.note(`${visibleLines(error.stack ?? '')}\n`);
    }
    return ending.exitCodeFor(error);
  }
}
