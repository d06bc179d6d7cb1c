import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface StatusOptions extends Place {
  readonly full: boolean;
  readonly format: Format;
}

export function addStatus(program: Command, shell: Shell): void {
  program
    .command('status')
    .summary('how an environment is')
    .description(
      'Says which mode, epoch and bundle hold, whether a fabric is running, and how its evidence log is. Exits with 1 where ' +
        'the log is damaged.',
    )
    .addOption(environmentOption())
    .addOption(dataOption())
    .option('--full', 'read the whole journal, however long it is', false)
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl status --env production\n')
    .action(
      shell.action(async (options: StatusOptions) => {
        const { gatherStatus } = await import('../status/gather-status.ts');
        const { printStatus } = await import('../status/print-status.ts');
        const status = await gatherStatus(shell, options);
        await shell.terminal.write(
          printStatus(status, options.format, { style: shell.style, directory: shell.terminal.directory }),
        );
        return status.findings.some(({ grave }) => grave) ? EXIT.failure : EXIT.ok;
      }),
    );
}
