import { CommandError, plural, required, visible } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import { printed, type SecretOptions, withSecretsPlace } from '../secrets/secret-options.ts';
import type { Shell } from '../shell.ts';

type KeyOptions = Place & {
  readonly format: Format;
  readonly from?: string;
  readonly fromPassphrase?: string;
  readonly to?: string;
  readonly toPassphrase?: string;
  readonly tenant?: string;
};

/** The keys of the embedded provider. They work on the database itself: no running service gives them out or takes them. */
export function addSecretsKeys(secrets: Command, shell: Shell): void {
  addCreate(secrets, shell);
  addChange(secrets, shell);
  addRekey(secrets, shell);
  addErase(secrets, shell);
}

function addCreate(secrets: Command, shell: Shell): void {
  secrets
    .command('create-root-key')
    .summary('make a root key')
    .description(
      'Writes 32 random bytes as base64 into a new file of mode 0600, for SECRETS_ROOT_KEY_FILE. Keep a copy away from the ' +
        "database's backups: without it nothing of the embedded provider can be read again.",
    )
    .argument('<file>', 'must not be there yet')
    .addHelpText('after', '\nExample:\n  $ pfctl secrets create-root-key root.key\n')
    .action(
      shell.action(async (file: string) => {
        const { createRootKey } = await import('../secrets/create-root-key.ts');
        await createRootKey(shell.path(file));
        await shell.terminal.write(`${visible(file)}: written\n`);
        return EXIT.ok;
      }),
    );
}

function addChange(secrets: Command, shell: Shell): void {
  onDatabase(secrets.command('change-root-key'))
    .summary("wrap all tenants' keys by another root key")
    .description(
      'Wraps every tenant’s key by the new root key and takes the old one off the record. Give the new one to every ' +
        'replica first (SECRETS_NEXT_ROOT_KEY_FILE), and make it SECRETS_ROOT_KEY_FILE afterwards. After a crash the same ' +
        'command goes on. Values are not encrypted anew.',
    )
    .option('--from <file>', 'the root key in force')
    .option('--from-passphrase <file>', 'or the passphrase that it is made of')
    .option('--to <file>', 'the new root key')
    .option('--to-passphrase <file>', 'or a passphrase to make it of')
    .addHelpText('after', '\nExample:\n  $ pfctl secrets change-root-key --from root.key --to next.key\n')
    .action(
      shell.action(async (options: KeyOptions) => {
        const { changeRootKeyOf, namedKey } = await import('../secrets/root-keys.ts');
        const from = namedKey(shell, '--from', options.from, options.fromPassphrase);
        const to = namedKey(shell, '--to', options.to, options.toPassphrase);
        const { rewrapped, ...ids } = await changeRootKeyOf(shell, options, from, to);
        await printed(
          shell,
          options.format,
          { from: [...ids.from], to: ids.to, rewrapped },
          () => `the root key is ${ids.to}: ${plural(rewrapped, 'tenant key')} wrapped anew\n`,
        );
        return EXIT.ok;
      }),
    );
}

function addRekey(secrets: Command, shell: Shell): void {
  onDatabase(secrets.command('rekey'))
    .summary('give a tenant a new key')
    .description(
      "Makes a new key for a tenant and wraps its secrets' data keys by it, while the service runs. After a crash the same " +
        'command goes on.',
    )
    .option('--tenant <tenant>', 'required: the tenant')
    .option('--from <file>', 'the root key in force')
    .option('--from-passphrase <file>', 'or the passphrase that it is made of')
    .addHelpText('after', '\nExample:\n  $ pfctl secrets rekey --tenant acme --from root.key\n')
    .action(
      shell.action(async (options: KeyOptions) => {
        const tenant = required(options.tenant, '--tenant <tenant>');
        const { namedKey, rekeyTenantOf } = await import('../secrets/root-keys.ts');
        const from = namedKey(shell, '--from', options.from, options.fromPassphrase);
        const { secrets: count } = await rekeyTenantOf(shell, options, tenant, from);
        await printed(
          shell,
          options.format,
          { tenant, secrets: count },
          () => `${visible(tenant)}: ${plural(count, 'secret')} under a new key\n`,
        );
        return EXIT.ok;
      }),
    );
}

function addErase(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('erase'))
    .summary("erase all of a tenant's secrets")
    .description(
      "Deletes a tenant's keys, and with them all of its secrets, for good. Backups of the database hold both still: change " +
        'the root key afterwards and destroy the old one. That it was done is on record. Wants the tenant a second time.',
    )
    .option('--confirm <tenant>', 'the tenant again')
    .addHelpText('after', '\nExample:\n  $ pfctl secrets erase --confirm acme --token-file admin.token\n')
    .action(
      shell.action(async ({ format, confirm, ...place }: SecretOptions & { readonly confirm?: string }) => {
        const { askSecrets, secretsAt } = await import('../secrets/ask-secrets.ts');
        const at = await secretsAt(shell, place);
        if (confirm !== at.tenant)
          throw new CommandError(
            'INPUT_INVALID',
            `expected --confirm ${at.tenant}, since this cannot be undone`,
          );
        await askSecrets(at, {
          method: 'POST',
          path: '/admin/secrets/erase',
          body: { tenantId: at.tenant },
        });
        const said = { tenant: at.tenant, result: 'erased' };
        await printed(shell, format, said, () => `${visible(at.tenant)}: erased\n`);
        return EXIT.ok;
      }),
    );
}

function onDatabase(command: Command): Command {
  return command.addOption(environmentOption()).addOption(dataOption()).addOption(formatOption());
}
