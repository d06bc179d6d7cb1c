import type { Command } from 'commander';
import type { Shell } from '../shell.ts';
import { addLedgerDeclareLost } from './ledger-declare-lost.ts';
import { addLedgerErase } from './ledger-erase.ts';
import { addLedgerLogin } from './ledger-login.ts';
import { addLedgerStatus } from './ledger-status.ts';
import { addLedgerVerify } from './ledger-verify.ts';

export function addLedger(program: Command, shell: Shell): void {
  const ledger = program
    .command('ledger')
    .summary('look after the ledger in PostgreSQL')
    .description(
      "The ledger's database: the one in DATABASE_URL, else the one of the fabric that runs on the data folder.",
    )
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ pfctl ledger status --env production\n');
  addLedgerStatus(ledger, shell);
  addLedgerVerify(ledger, shell);
  addLedgerLogin(ledger, shell);
  addLedgerDeclareLost(ledger, shell);
  addLedgerErase(ledger, shell);
}
