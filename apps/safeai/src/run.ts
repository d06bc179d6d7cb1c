import { CommanderError } from 'commander';
import type { ProcessSettings } from './config.ts';
import { OutputClosedError } from './errors.ts';
import { codeOf, EXIT, type ExitCode, isForeseen } from './exit-codes.ts';
import type { Governance } from './governance.ts';
import { printRefusal } from './output/refusal.ts';
import { visible, visibleLines } from './output/visible.ts';
import { buildProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line. Whatever happens comes out as an exit code and at most a few lines on standard error. */
export async function run(
  args: readonly string[],
  terminal: Terminal,
  governance: () => Promise<Governance>,
  settings: Pick<ProcessSettings, 'debug'> = { debug: false },
): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  try {
    const program = buildProgram(terminal, governance, (result) => {
      code = result;
    });
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has said what it had to say; it also ends the help this way.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failure;
    if (error instanceof OutputClosedError) return EXIT.failure;
    tell(error, terminal);
    if (settings.debug && error instanceof Error) terminal.note(`${visibleLines(error.stack ?? '')}\n`);
    return EXIT.failure;
  }
}

function tell(error: unknown, terminal: Terminal): void {
  const message = error instanceof Error ? error.message : String(error);
  if (!isForeseen(error)) {
    terminal.note(`✗ unexpected error: ${visible(message)} (SAFEAI_DEBUG=1 shows more)\n`);
    return;
  }
  const code = codeOf(error);
  const named = error instanceof Error && error.name !== 'SafeaiError' && code !== undefined;
  terminal.note(`✗ ${visibleLines(message)}${named && !message.includes(code) ? ` (${code})` : ''}\n`);
  printRefusal(error, terminal);
}
