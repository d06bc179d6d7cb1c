import { Command } from 'commander';
import { demoCommand } from './commands/demo.ts';
import { quickstartCommand } from './commands/quickstart.ts';
import { runCommand } from './commands/run.ts';
import { serveCommand } from './commands/serve.ts';
import { EXIT, exitCodeFor } from './exit-codes.ts';
import { VERSION } from './version.ts';

const program = new Command('pf')
  .description('stands between an AI agent and everything it can touch')
  .version(VERSION)
  .showSuggestionAfterError()
  .addCommand(quickstartCommand())
  .addCommand(demoCommand())
  .addCommand(runCommand())
  .addCommand(serveCommand());

for (const command of [program, ...program.commands]) {
  command.exitOverride().showSuggestionAfterError();
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
// What is left open by a server that does not end by itself must not keep a finished command alive.
if (process.exitCode !== undefined) process.exit();

/** commander has printed its own errors; everything else is one message, no stack. */
function report(error: unknown): number {
  const { code, exitCode } = error as { code?: unknown; exitCode?: number };
  if (typeof code === 'string' && code.startsWith('commander.'))
    return exitCode === 0 ? EXIT.ok : EXIT.invalidInput;
  const message = error instanceof Error ? error.message : String(error);
  // Node's own messages begin with their code.
  const name = typeof code === 'string' && !message.startsWith(code) ? `${code}: ` : '';
  process.stderr.write(`pf: ${name}${message}\n`);
  return exitCodeFor(error);
}
