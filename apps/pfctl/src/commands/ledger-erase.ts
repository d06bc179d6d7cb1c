import { CommandError, plural, required, visible, visibleJson } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface EraseOptions extends Place {
  readonly tenant?: string;
  readonly records: boolean;
  readonly statements: boolean;
  readonly yes: boolean;
  readonly format: Format;
}

const REMAINS = {
  records:
    'Remains: every signed statement, with digests of prompts, arguments and results; verdicts can no longer be derived again.',
  statements:
    'Remains: of each statement its place in the log, time, kind, session, seq, id, verdict and digest; sessions can no ' +
    'longer be taken over, and nothing of them be verified beyond the chain.',
} as const;
const ELSEWHERE =
  "Not touched: the fabrics' own journals and keys, the list of tokens and revocations, backups, and what PostgreSQL has " +
  'not vacuumed yet.';

export function addLedgerErase(ledger: Command, shell: Shell): void {
  ledger
    .command('erase')
    .summary('forget what the ledger has of a tenant')
    .description(
      `Erases a tenant's sealed records (--records), or its statements as well (--statements), for good. The log stays what ` +
        `was signed, since its leaves are salted hashes. ${ELSEWHERE}`,
    )
    .option('--tenant <tenant>', 'required: the tenant')
    .option('--records', 'erase the encrypted prompts, arguments and results', false)
    .option('--statements', 'erase the signed statements and their salts too', false)
    .option('--yes', 'it cannot be taken back', false)
    .addOption(environmentOption())
    .addOption(dataOption())
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl ledger erase --tenant acme --records --yes\n')
    .action(
      shell.action(async ({ records, statements, yes, format, ...options }: EraseOptions) => {
        const tenant = required(options.tenant, '--tenant <tenant>');
        if (records === statements)
          throw new CommandError(
            'INPUT_INVALID',
            `expected either --records or --statements, came ${records ? 'both' : 'none'}; --help shows how`,
          );
        const what = records ? 'records' : 'statements';
        if (!yes)
          throw new CommandError(
            'INPUT_INVALID',
            `expected --yes, came none: this is for good. ${REMAINS[what]}`,
          );
        const { asTenantId } = await import('@provability-fabric/kernel');
        const { eraseTenant } = await import('@provability-fabric/storage');
        const { changeLedger } = await import('../ledger/open-ledger.ts');
        const id = asTenantId(tenant);
        const erased = await changeLedger(shell, options, (database) => eraseTenant(database, id, what));
        await shell.terminal.write(
          format === 'json'
            ? `${visibleJson(JSON.stringify({ tenant, erased: what, statements: erased }))}\n`
            : `erased the ${what} of ${visible(tenant)}: ${plural(erased, 'statement')} changed\n${REMAINS[what]}\n${ELSEWHERE}\n`,
        );
        return EXIT.ok;
      }),
    );
}
