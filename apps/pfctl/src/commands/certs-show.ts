import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface ShowOptions extends Place {
  readonly tenant?: string;
  readonly format: Format;
}

export function addCertificatesShow(certificates: Command, shell: Shell): void {
  certificates
    .command('show')
    .summary('one certificate as a whole')
    .description(
      'Prints a statement, its outcome and its place in the log, and checks its signature and its inclusion under the newest ' +
        'checkpoint. Exits with 1 where one of them does not hold. Only certs verify derives the verdict again.',
    )
    .argument('<certificate>', 'a certificate id, or its first 8 digits or more, or SESSION#SEQ')
    .option('--tenant <tenant>', 'its tenant, where several have a session of that name')
    .addOption(environmentOption())
    .addOption(dataOption())
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl certs show desk-17#3\n')
    .action(
      shell.action(async (name: string, options: ShowOptions) => {
        const { requireDataFolder } = await import('../evidence/data-folder.ts');
        const { findCertificate } = await import('../evidence/find-certificate.ts');
        const { printCertificate } = await import('../evidence/print-certificate.ts');
        const folder = await requireDataFolder(shell, options);
        const found = await findCertificate(folder, name, options.tenant);
        await shell.terminal.write(printCertificate(found, options.format, shell.style));
        return found.signature.verified && found.inclusion.verified ? EXIT.ok : EXIT.failure;
      }),
    );
}
