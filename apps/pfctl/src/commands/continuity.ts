import { CommandError } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import type { Continuity } from '../continuity/continuity.ts';
import { EXIT } from '../exit-codes.ts';
import {
  dataOption,
  environmentOption,
  type Format,
  formatOption,
  type Place,
  sinceOption,
} from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface CheckOptions extends Place {
  readonly since: string;
  readonly format: Format;
}

export function addContinuity(program: Command, shell: Shell): void {
  const continuity = program
    .command('continuity')
    .summary('whether evidence goes on without a gap')
    .description(
      'Whether evidence was written without a gap: to be asked after a maintenance, and now and then.',
    )
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ pfctl continuity check --since 1hour\n');
  continuity
    .command('check')
    .summary('look for gaps in what was recorded since a time')
    .description(
      'Reads what the ledger was given since then: no entry may be missing, each session goes on from where it was, and ' +
        'each access to a secret is in the ledger and in secret_audit_logs. Rows without a statement are unattested, ' +
        "statements without a row unlisted. Without a database it reads the data folder's log. Exits with 1 where " +
        'something is missing, with 4 where it cannot be checked.',
    )
    .addOption(environmentOption())
    .addOption(dataOption())
    .addOption(sinceOption().default('1hour'))
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl continuity check --env production --since 1hour\n')
    .action(
      shell.action(async (options: CheckOptions) => {
        const { parseTime } = await import('../times.ts');
        const { isContinuous } = await import('../continuity/continuity.ts');
        const { printContinuity } = await import('../continuity/print-continuity.ts');
        const since = parseTime(options.since, shell.terminal.now());
        const found = (await inLedger(shell, options, since)) ?? (await inLog(shell, options, since));
        await shell.terminal.write(printContinuity(found, options.format, shell.style));
        return isContinuous(found) ? EXIT.ok : EXIT.failure;
      }),
    );
}

/** undefined where no database is named and none runs on the data folder, or it has no ledger. */
async function inLedger(shell: Shell, place: Place, since: number): Promise<Continuity | undefined> {
  const { readLedger } = await import('../ledger/open-ledger.ts');
  const { ledgerContinuity } = await import('../continuity/ledger-continuity.ts');
  const now = shell.terminal.now();
  try {
    return await readLedger(shell, place, (database) => ledgerContinuity(database, { since, now }));
  } catch (error) {
    const { LedgerError } = await import('@provability-fabric/storage');
    const isAbsent = error instanceof CommandError && error.code === 'CANNOT_CHECK';
    const isDown = error instanceof LedgerError && error.code === 'LEDGER_UNAVAILABLE';
    if ((isAbsent || isDown) && shell.terminal.databaseUrl === undefined) return undefined;
    throw error;
  }
}

async function inLog(shell: Shell, place: Place, since: number): Promise<Continuity> {
  const { requireDataFolder } = await import('../evidence/data-folder.ts');
  const { openLog } = await import('../evidence/open-log.ts');
  const { logContinuity } = await import('../continuity/log-continuity.ts');
  const folder = await requireDataFolder(shell, place);
  return logContinuity(await openLog(folder), folder.origin, since);
}
