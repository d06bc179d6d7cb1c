import { CommanderError } from 'commander';
import type { ProcessSettings } from './config.ts';
import { OutputClosedError } from './errors.ts';
import { EXIT, type ExitCode, exitCodeFor } from './exit-codes.ts';
import { visibleLines } from './output/visible.ts';
import { buildProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line. Whatever happens comes out as an exit code and at most a few lines on standard error. */
export async function run(
  args: readonly string[],
  terminal: Terminal,
  settings: Pick<ProcessSettings, 'debug'> = { debug: false },
): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  try {
    const program = buildProgram(terminal, (result) => {
      code = result;
    });
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof OutputClosedError) return EXIT.failure;
    const foreseen = exitCodeFor(error);
    // Commander has said what it had to say.
    if (!(error instanceof CommanderError)) {
      const message = error instanceof Error ? error.message : String(error);
      terminal.note(
        foreseen === undefined
          ? `pfctl: unexpected error: ${visibleLines(message).replaceAll('\n', ' ')} (PFCTL_DEBUG=1 shows more)\n`
          : `pfctl: ${visibleLines(message)}\n`,
      );
      if (settings.debug && error instanceof Error) terminal.note(`${visibleLines(error.stack ?? '')}\n`);
    }
    return foreseen ?? EXIT.failure;
  }
}
