import { runProgram, visible, visibleLines } from '@provability-fabric/command-line';
import type { ProcessSettings } from './config.ts';
import { codeOf, EXIT, type ExitCode, exitCodeFor, isForeseen } from './exit-codes.ts';
import type { Governance } from './governance.ts';
import { printRefusal } from './output/refusal.ts';
import { buildProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line. Whatever happens comes out as an exit code and at most a few lines on standard error. */
export function run(
  args: readonly string[],
  terminal: Terminal,
  governance: () => Promise<Governance>,
  settings: Pick<ProcessSettings, 'debug'> = { debug: false },
): Promise<ExitCode> {
  return runProgram<ExitCode>(args, terminal, (finish) => buildProgram(terminal, governance, finish), {
    ok: EXIT.ok,
    failure: EXIT.failure,
    exitCodeFor,
    tell: (error) => tell(error, terminal),
    debug: settings.debug,
  });
}

function tell(error: unknown, terminal: Terminal): void {
  const code = codeOf(error);
  const message = messageOf(error, code);
  if (!isForeseen(error)) {
    terminal.note(`✗ unexpected error: ${visible(message)} (SAFEAI_DEBUG=1 shows more)\n`);
    return;
  }
  const named = error instanceof Error && error.name !== 'CommandError' && code !== undefined;
  terminal.note(`✗ ${visibleLines(message)}${named && !message.includes(code) ? ` (${code})` : ''}\n`);
  printRefusal(error, terminal);
}

function messageOf(error: unknown, code: string | undefined): string {
  const message = error instanceof Error ? error.message : String(error);
  // Nobody wants to govern the tree from another folder; and a service that has this one can be asked.
  return code === 'FOLDER_IN_USE'
    ? message.replace(/; stop it or choose another with --data$/, '; stop it, or ask it with --url')
    : message;
}
