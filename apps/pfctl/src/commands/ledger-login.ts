import { facts, required, visible } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface LoginOptions extends Place {
  readonly tenant?: string;
  readonly passwordFile?: string;
  readonly format: Format;
}

export function addLedgerLogin(ledger: Command, shell: Shell): void {
  const login = ledger
    .command('login')
    .summary('logins with which tenants read their own rows')
    .description(
      'A login of PostgreSQL that sees one tenant in pf.statements, pf.sessions and pf.superseded, and changes nothing.',
    )
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ pfctl ledger login create --tenant acme\n');
  addCreate(login, shell);
  addDrop(login, shell);
}

function addCreate(login: Command, shell: Shell): void {
  login
    .command('create')
    .summary('make a login, or give it a new password')
    .description(
      'Makes the login of a tenant, or gives it a new password, and prints the line that starts psql with it. A password that ' +
        'was made up here is printed once and kept nowhere.',
    )
    .option('--tenant <tenant>', 'required: the tenant')
    .option(
      '--password-file <file>',
      'holds the password, 16 to 128 printable ASCII characters (default: random)',
    )
    .addOption(environmentOption())
    .addOption(dataOption())
    .addOption(formatOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl ledger login create --tenant acme --password-file /run/secrets/acme-ledger\n',
    )
    .action(
      shell.action(async (options: LoginOptions) => {
        const tenant = required(options.tenant, '--tenant <tenant>');
        const { createTenantLogin } = await import('@provability-fabric/storage');
        const { databaseUrl, changeLedger } = await import('../ledger/open-ledger.ts');
        const { psqlLine } = await import('../ledger/psql-line.ts');
        const { newPassword, passwordIn } = await import('../ledger/tenant-password.ts');
        const given =
          options.passwordFile === undefined ? undefined : await passwordIn(shell.path(options.passwordFile));
        const password = given ?? newPassword();
        const name = await changeLedger(shell, options, (database) =>
          createTenantLogin(database, tenant, password),
        );
        const psql = psqlLine(await databaseUrl(shell, options), name);
        const shown = given === undefined ? { password } : {};
        await shell.terminal.write(
          options.format === 'json'
            ? `${JSON.stringify({ tenant, login: name, ...shown, psql })}\n`
            : facts(Object.entries({ login: name, ...shown, psql })),
        );
        if (given === undefined)
          shell.terminal.note('pfctl: the password is kept nowhere; this was its only time\n');
        return EXIT.ok;
      }),
    );
}

function addDrop(login: Command, shell: Shell): void {
  login
    .command('drop')
    .summary('take a login away')
    .description('Takes the login of a tenant away; what is connected with it sees nothing any more.')
    .option('--tenant <tenant>', 'required: the tenant')
    .addOption(environmentOption())
    .addOption(dataOption())
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl ledger login drop --tenant acme\n')
    .action(
      shell.action(async (options: LoginOptions) => {
        const tenant = required(options.tenant, '--tenant <tenant>');
        const { dropTenantLogin } = await import('@provability-fabric/storage');
        const { changeLedger } = await import('../ledger/open-ledger.ts');
        await changeLedger(shell, options, (database) => dropTenantLogin(database, tenant));
        await shell.terminal.write(
          options.format === 'json'
            ? `${JSON.stringify({ tenant, login: null })}\n`
            : `${visible(tenant)} has no login\n`,
        );
        return EXIT.ok;
      }),
    );
}
