import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface StatusOptions extends Place {
  readonly keys?: string;
  readonly format: Format;
}

export function addLedgerStatus(ledger: Command, shell: Shell): void {
  ledger
    .command('status')
    .summary('how the ledger is')
    .description(
      'Says how long the ledger is, how far each fabric has shipped into it, and what is wrong with it or its database. Exits ' +
        'with 1 where something is damaged.',
    )
    .addOption(environmentOption())
    .addOption(dataOption())
    .option('--keys <folder>', "the ledger's verifier keys (default: the data folder's)")
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl ledger status --env production --format json\n')
    .action(
      shell.action(async (options: StatusOptions) => {
        const { join } = await import('node:path');
        const { nodeCrypto } = await import('@provability-fabric/evidence');
        const { findLedgerKeys } = await import('../ledger/ledger-keys.ts');
        const { dataFolderPath, readLedger } = await import('../ledger/open-ledger.ts');
        const { ledgerStatus } = await import('../ledger/ledger-status.ts');
        const { printLedgerStatus } = await import('../ledger/print-ledger-status.ts');
        const folder =
          options.keys === undefined
            ? join(await dataFolderPath(shell, options), 'keys')
            : shell.path(options.keys);
        const keys = await findLedgerKeys(nodeCrypto(), folder);
        const status = await readLedger(shell, options, (database) => ledgerStatus(database, keys));
        await shell.terminal.write(printLedgerStatus(status, options.format, shell.style));
        return status.findings.some(({ grave }) => grave) ? EXIT.failure : EXIT.ok;
      }),
    );
}
