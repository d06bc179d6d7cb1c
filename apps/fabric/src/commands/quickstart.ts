import { resolve } from 'node:path';
import { Command } from 'commander';

/** `pf quickstart`: the whole product in one command, on this machine alone. */
export function quickstartCommand(): Command {
  return new Command('quickstart')
    .description(
      'see an attack refused, honest work go through, and the evidence checked; a second run resumes',
    )
    .option('--directory <dir>', 'where it keeps its workspace, data and evidence', '.pf/quickstart')
    .addHelpText('after', '\nExample:\n  $ pf quickstart')
    .action(async ({ directory }: { readonly directory: string }) => {
      // It alone needs a mail server and an MCP client: the other commands start without them.
      const { quickstart } = await import('../quickstart/quickstart.ts');
      process.exitCode = await quickstart(resolve(directory));
    });
}
