import { CommandError, required, visible, visibleJson } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface LostOptions extends Place {
  readonly tenant?: string;
  readonly session?: string;
  readonly yes: boolean;
  readonly format: Format;
}

const GIVEN_UP =
  'What its fabric decided last, and had not shipped, is given up: the session goes on without its labels, limits and ' +
  'history, and its statements are put aside as superseded if they turn up after all.';

export function addLedgerDeclareLost(ledger: Command, shell: Shell): void {
  ledger
    .command('declare-lost')
    .summary('give up the end of a session whose fabric will not come back')
    .description(
      `Lets another fabric take the session over from what the ledger has. ${GIVEN_UP} Exits with 1 while its fabric holds it.`,
    )
    .option('--tenant <tenant>', 'required: whose session it is')
    .option('--session <session>', 'required: the session')
    .option('--yes', 'its fabric will not come back, and what only it has is given up', false)
    .addOption(environmentOption())
    .addOption(dataOption())
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl ledger declare-lost --tenant acme --session s-17 --yes\n')
    .action(
      shell.action(async ({ yes, format, ...options }: LostOptions) => {
        const tenant = required(options.tenant, '--tenant <tenant>');
        const session = required(options.session, '--session <session>');
        if (!yes) throw new CommandError('INPUT_INVALID', `expected --yes, came none. ${GIVEN_UP}`);
        const { declareLost } = await import('../ledger/declare-lost.ts');
        const { changeLedger } = await import('../ledger/open-ledger.ts');
        const { owner, after } = await changeLedger(shell, options, (database) =>
          declareLost(database, tenant, session),
        );
        const name = visible(`${tenant}/${session}`);
        const end =
          after === null ? 'the ledger has nothing of it: it begins anew' : `it goes on after seq ${after}`;
        await shell.terminal.write(
          format === 'json'
            ? `${visibleJson(JSON.stringify({ tenant, session, lost_by: owner, continues_after_seq: after }))}\n`
            : owner === null
              ? `${name} was free already; ${end}\n`
              : `${name} is no longer ${visible(owner)}'s; ${end}\n`,
        );
        return EXIT.ok;
      }),
    );
}
