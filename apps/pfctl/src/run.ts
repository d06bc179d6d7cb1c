import { runProgram, visibleLines } from '@provability-fabric/command-line';
import type { ProcessSettings } from './config.ts';
import { EXIT, type ExitCode, exitCodeFor } from './exit-codes.ts';
import { buildProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line. Whatever happens comes out as an exit code and at most a few lines on standard error. */
export function run(
  args: readonly string[],
  terminal: Terminal,
  settings: Pick<ProcessSettings, 'debug'> = { debug: false },
): Promise<ExitCode> {
  return runProgram<ExitCode>(args, terminal, (finish) => buildProgram(terminal, finish), {
    ok: EXIT.ok,
    failure: EXIT.failure,
    exitCodeFor: (error) => exitCodeFor(error) ?? EXIT.failure,
    tell(error) {
      const message = error instanceof Error ? error.message : String(error);
      terminal.note(
        exitCodeFor(error) === undefined
          ? `pfctl: unexpected error: ${visibleLines(message).replaceAll('\n', ' ')} (PFCTL_DEBUG=1 shows more)\n`
          : `pfctl: ${visibleLines(message)}\n`,
      );
    },
    debug: settings.debug,
  });
}
