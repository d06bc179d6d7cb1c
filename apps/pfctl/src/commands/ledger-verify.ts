import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface VerifyOptions extends Place {
  readonly keys?: string;
  readonly since?: string;
  readonly heads: boolean;
  readonly format: Format;
}

export function addLedgerVerify(ledger: Command, shell: Shell): void {
  ledger
    .command('verify')
    .summary('hold all that the ledger stores against its checkpoint')
    .description(
      'Reads every statement and tile, and builds the tree anew: what was changed, moved, added or taken away is named. ' +
        'Follows the chain of every session. Exits with 1 where something does not hold, with 4 where it cannot be checked.',
    )
    .addOption(environmentOption())
    .addOption(dataOption())
    .option('--keys <folder>', "verifier keys that you kept elsewhere (default: the data folder's)")
    .option('--since <file>', 'a checkpoint that you kept: the ledger must only have grown since')
    .option('--heads', 'also hold the sessions against what each fabric signed that it has', false)
    .addOption(formatOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl ledger verify --env production --heads --keys /media/kept/keys\n',
    )
    .action(
      shell.action(async (options: VerifyOptions) => {
        const { readFile } = await import('node:fs/promises');
        const { join } = await import('node:path');
        const { nodeCrypto } = await import('@provability-fabric/evidence');
        const { requireLedgerKeys } = await import('../ledger/ledger-keys.ts');
        const { dataFolderPath, readLedger } = await import('../ledger/open-ledger.ts');
        const { printLedgerVerification } = await import('../ledger/print-verification.ts');
        const { entriesProgress } = await import('../ledger/progress.ts');
        const { verifyLedger } = await import('../ledger/verify-ledger.ts');
        const folder =
          options.keys === undefined
            ? join(await dataFolderPath(shell, options), 'keys')
            : shell.path(options.keys);
        const keys = await requireLedgerKeys(nodeCrypto(), folder);
        const kept =
          options.since === undefined ? {} : { since: await readFile(shell.path(options.since), 'utf8') };
        const result = await readLedger(shell, options, (database) =>
          verifyLedger({
            database,
            keys,
            ...kept,
            heads: options.heads,
            progress: (total) => entriesProgress(shell.terminal, total),
          }),
        );
        await shell.terminal.write(printLedgerVerification(result, options.format, shell.style));
        if (result.findingCount > 0) return EXIT.failure;
        return result.unchecked.length > 0 ? EXIT.cannotCheck : EXIT.ok;
      }),
    );
}
