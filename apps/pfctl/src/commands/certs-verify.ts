import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface VerifyOptions extends Place {
  readonly keys?: string;
  readonly since?: string;
  readonly format: Format;
}

export function addCertificatesVerify(certificates: Command, shell: Shell): void {
  certificates
    .command('verify')
    .summary('check every certificate with pf-verify')
    .description(
      'Exports every session and runs pf-verify over it: signatures, log, session chains, and every verdict anew. Exits with 1 ' +
        'where something does not hold, with 4 where it cannot be checked.',
    )
    .addOption(environmentOption())
    .addOption(dataOption())
    .option('--keys <folder>', "verifier keys that you kept elsewhere (default: the data folder's)")
    .option('--since <file>', 'a checkpoint that you kept: the log must only have grown since')
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl certs verify --env production --keys /media/kept/keys\n')
    .action(
      shell.action(async (options: VerifyOptions) => {
        const { requireDataFolder } = await import('../evidence/data-folder.ts');
        const { verifyAll } = await import('../evidence/verify-all.ts');
        const { printVerification } = await import('../evidence/print-verification.ts');
        const folder = await requireDataFolder(shell, options);
        const keys = options.keys === undefined ? folder.keys : shell.path(options.keys);
        const since = options.since === undefined ? undefined : shell.path(options.since);
        const result = await verifyAll(shell, folder, keys, since);
        await shell.terminal.write(printVerification(result, options.format, shell.style));
        return result.invalid === 0 && result.failures.length === 0 ? EXIT.ok : EXIT.failure;
      }),
    );
}
