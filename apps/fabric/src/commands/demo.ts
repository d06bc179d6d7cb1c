import { resolve } from 'node:path';
import { Command } from 'commander';

/** `pf demo`: the same agent and the same attack twice, without the fabric and through it. */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'see an exfiltration succeed without the fabric and fail through it, while the work gets done',
    )
    .option('--directory <dir>', 'where it keeps its workspace, data and evidence', '.pf/demo')
    .addHelpText('after', '\nExample:\n  $ pf demo')
    .action(async ({ directory }: { readonly directory: string }) => {
      // It needs a mail server and an MCP client: the other commands start without them.
      const { exfiltration } = await import('../exfiltration/exfiltration.ts');
      process.exitCode = await exfiltration(resolve(directory));
    });
}
