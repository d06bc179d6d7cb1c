import { choiceOption, count } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import {
  dataOption,
  environmentOption,
  type Format,
  formatOption,
  type Place,
  sinceOption,
  untilOption,
} from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface ListOptions extends Place {
  readonly session?: string;
  readonly tenant?: string;
  readonly effect?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
  readonly format: Format;
}

export function addCertificatesList(certificates: Command, shell: Shell): void {
  certificates
    .command('list')
    .summary('what was decided')
    .description('Lists permission certificates in the order of the log, the newest last.')
    .addOption(environmentOption())
    .addOption(dataOption())
    .option('--session <id>', 'only of this session')
    .option('--tenant <tenant>', 'only of this tenant')
    .addOption(choiceOption('--effect <effect>', 'only with this effect', ['allow', 'hold', 'block']))
    .addOption(sinceOption())
    .addOption(untilOption())
    .option('--limit <count>', 'at most this many, the newest', count, 100)
    .addOption(formatOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl certs list --effect block --since "2 hours ago" --limit 20\n',
    )
    .action(
      shell.action(async (options: ListOptions) => {
        const { parseRange } = await import('../times.ts');
        const range = parseRange(options, shell.terminal.now());
        const { requireDataFolder } = await import('../evidence/data-folder.ts');
        const { openLog } = await import('../evidence/open-log.ts');
        const { listCertificates } = await import('../evidence/list-certificates.ts');
        const { printCertificates } = await import('../evidence/print-certificates.ts');
        const log = await openLog(await requireDataFolder(shell, options));
        const { certificates: listed, total } = await listCertificates(log.scan(), { ...options, range });
        await shell.terminal.write(printCertificates(listed, options.format, shell.style));
        if (listed.length < total) {
          shell.terminal.note(`pfctl: the newest ${listed.length} of ${total}; --limit shows more\n`);
        }
        return EXIT.ok;
      }),
    );
}
