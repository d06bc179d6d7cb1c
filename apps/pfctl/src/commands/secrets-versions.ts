import { CommandError, choiceOption, collect, count, visible } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { printed, type SecretOptions, withSecretsPlace } from '../secrets/secret-options.ts';
import { versionNumbers, versionWord } from '../secrets/version-words.ts';
import type { Shell } from '../shell.ts';

type MetadataOptions = SecretOptions & {
  readonly tag: readonly string[];
  readonly sensitivity?: string;
  readonly maxVersions?: number;
  readonly casRequired?: 'true' | 'false';
};

/** What a secret was, and taking it away. */
export function addSecretsVersions(secrets: Command, shell: Shell): void {
  addVersions(secrets, shell);
  addCompare(secrets, shell);
  addRollback(secrets, shell);
  addDelete(secrets, shell);
  addByVersions(secrets, shell, 'undelete', 'bring deleted versions back');
  addByVersions(secrets, shell, 'destroy', 'destroy versions for good');
  addRemove(secrets, shell);
  addMetadata(secrets, shell);
}

function addVersions(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('versions'))
    .summary('the versions of a secret')
    .description('Lists the versions, newest first, without a value.')
    .argument('<name>', 'the secret')
    .addHelpText('after', '\nExample:\n  $ pfctl secrets versions db/primary --token-file admin.token\n')
    .action(
      shell.action(async (name: string, { format, ...place }: SecretOptions) => {
        const { askPage, pathOf, secretsAt } = await import('../secrets/ask-secrets.ts');
        const at = await secretsAt(shell, place);
        const path = `/admin/secrets/versions/${encodeURIComponent(at.tenant)}/${pathOf(name)}`;
        const { items } = await askPage(at, path);
        const { printVersions } = await import('../secrets/print-secrets.ts');
        await printed(shell, format, [...items], () => printVersions(items, shell.style));
        return EXIT.ok;
      }),
    );
}

function addCompare(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('compare'))
    .summary('which fields differ')
    .description(
      'Says which fields two versions have and have not in common, without a character of a value.',
    )
    .argument('<name>', 'the secret')
    .argument('<from>', 'a version', versionWord)
    .argument('<to>', 'another', versionWord)
    .addHelpText('after', '\nExample:\n  $ pfctl secrets compare db/primary 3 4 --token-file admin.token\n')
    .action(
      shell.action(
        async (
          name: string,
          from: number | string,
          to: number | string,
          { format, ...place }: SecretOptions,
        ) => {
          const { askObject, secretsAt } = await import('../secrets/ask-secrets.ts');
          const at = await secretsAt(shell, place);
          const said = await askObject(at, {
            method: 'POST',
            path: '/admin/secrets/compare',
            body: { tenantId: at.tenant, secretKey: name, from, to },
          });
          const { printChanges } = await import('../secrets/print-secrets.ts');
          await printed(shell, format, said, () => printChanges(said, shell.style));
          return EXIT.ok;
        },
      ),
    );
}

function addRollback(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('rollback'))
    .summary('make an earlier value the current one')
    .description('Makes a new version that has the value of an earlier one: history only grows.')
    .argument('<name>', 'the secret')
    .argument('<version>', 'the number or id of the version to go back to', versionWord)
    .addHelpText('after', '\nExample:\n  $ pfctl secrets rollback db/primary 3 --token-file admin.token\n')
    .action(
      shell.action(
        async (name: string, targetVersion: number | string, { format, ...place }: SecretOptions) => {
          const { askObject, secretsAt } = await import('../secrets/ask-secrets.ts');
          const at = await secretsAt(shell, place);
          const said = await askObject(at, {
            method: 'POST',
            path: '/admin/secrets/rollback',
            body: { tenantId: at.tenant, secretKey: name, targetVersion },
          });
          const { printMade } = await import('../secrets/print-secrets.ts');
          await printed(shell, format, said, () => printMade(name, said));
          return EXIT.ok;
        },
      ),
    );
}

function addDelete(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('delete'))
    .summary('take a version out of sight')
    .description('Takes the current version, or another, out of sight; `undelete` brings it back.')
    .argument('<name>', 'the secret')
    .option('--version <n>', 'its number (default: the current one)', count)
    .addHelpText('after', '\nExample:\n  $ pfctl secrets delete db/old --token-file admin.token\n')
    .action(
      shell.action(
        async (
          name: string,
          { format, version, ...place }: SecretOptions & { readonly version?: number },
        ) => {
          const { askSecrets, pathOf, secretsAt } = await import('../secrets/ask-secrets.ts');
          const at = await secretsAt(shell, place);
          const query = new URLSearchParams({ tenant: at.tenant });
          if (version !== undefined) query.set('version', `${version}`);
          await askSecrets(at, { method: 'DELETE', path: `/api/secrets/${pathOf(name)}?${query}` });
          await printed(shell, format, { name, result: 'deleted' }, () => `${visible(name)}: deleted\n`);
          return EXIT.ok;
        },
      ),
    );
}

function addByVersions(secrets: Command, shell: Shell, verb: 'undelete' | 'destroy', summary: string): void {
  withSecretsPlace(secrets.command(verb))
    .summary(summary)
    .description(
      verb === 'destroy'
        ? 'Destroys the values of these versions for good; that they were there stays on record.'
        : 'Brings deleted versions back; destroyed ones are gone.',
    )
    .argument('<name>', 'the secret')
    .argument('<versions>', 'their numbers, such as 1,2', versionNumbers)
    .addHelpText('after', `\nExample:\n  $ pfctl secrets ${verb} db/old 1,2 --token-file admin.token\n`)
    .action(
      shell.action(async (name: string, versions: readonly number[], { format, ...place }: SecretOptions) => {
        const { askSecrets, secretsAt } = await import('../secrets/ask-secrets.ts');
        const at = await secretsAt(shell, place);
        const body = { tenantId: at.tenant, secretKey: name, versions: [...versions] };
        await askSecrets(at, { method: 'POST', path: `/admin/secrets/${verb}`, body });
        const result = verb === 'destroy' ? 'destroyed' : 'undeleted';
        await printed(shell, format, { name, result }, () => `${visible(name)}: ${result}\n`);
        return EXIT.ok;
      }),
    );
}

function addRemove(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('remove'))
    .summary('remove a secret for good')
    .description(
      'Removes all versions and what is known of the secret, for good. Wants its name a second time.',
    )
    .argument('<name>', 'the secret')
    .option('--confirm <name>', 'its name again')
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl secrets remove db/old --confirm db/old --token-file admin.token\n',
    )
    .action(
      shell.action(
        async (
          name: string,
          { format, confirm, ...place }: SecretOptions & { readonly confirm?: string },
        ) => {
          if (confirm !== name)
            throw new CommandError(
              'INPUT_INVALID',
              `expected --confirm ${name}, since this cannot be undone`,
            );
          const { askSecrets, secretsAt } = await import('../secrets/ask-secrets.ts');
          const at = await secretsAt(shell, place);
          const body = { tenantId: at.tenant, secretKey: name };
          await askSecrets(at, { method: 'POST', path: '/admin/secrets/remove', body });
          await printed(shell, format, { name, result: 'removed' }, () => `${visible(name)}: removed\n`);
          return EXIT.ok;
        },
      ),
    );
}

function addMetadata(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('metadata'))
    .summary('tags, sensitivity, how many versions are kept')
    .description('Changes what is named and keeps the rest; tags are replaced as a whole.')
    .argument('<name>', 'the secret')
    .option('--tag <key=value>', 'may be given several times', collect, [])
    .addOption(
      choiceOption('--sensitivity <level>', 'how bad a leak is', ['low', 'medium', 'high', 'critical']),
    )
    .option('--max-versions <n>', 'how many versions are kept', count)
    .addOption(
      choiceOption('--cas-required <word>', 'whether each write names the current version', [
        'true',
        'false',
      ]),
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl secrets metadata db/primary --tag team=payments --sensitivity high --token-file admin.token\n',
    )
    .action(
      shell.action(async (name: string, options: MetadataOptions) => {
        const { tag, sensitivity, maxVersions, casRequired, format, ...place } = options;
        const metadata = {
          ...(tag.length === 0 ? {} : { tags: tagsOf(tag) }),
          ...(sensitivity === undefined ? {} : { sensitivity }),
          ...(maxVersions === undefined ? {} : { max_versions: maxVersions }),
          ...(casRequired === undefined ? {} : { cas_required: casRequired === 'true' }),
        };
        if (Object.keys(metadata).length === 0)
          throw new CommandError(
            'INPUT_INVALID',
            'expected something to change, such as --tag team=payments',
          );
        const { askObject, secretsAt } = await import('../secrets/ask-secrets.ts');
        const at = await secretsAt(shell, place);
        const said = await askObject(at, {
          method: 'POST',
          path: '/admin/secrets/metadata',
          body: { tenantId: at.tenant, secretKey: name, metadata },
        });
        await printed(shell, format, said, () => `${visible(name)}: changed\n`);
        return EXIT.ok;
      }),
    );
}

function tagsOf(words: readonly string[]): Readonly<Record<string, string>> {
  const tags: Record<string, string> = {};
  for (const one of words) {
    const [, key, value] = /^([^=]{1,128})=(.{1,128})$/s.exec(one) ?? [];
    if (key === undefined || value === undefined)
      throw new CommandError('INPUT_INVALID', `expected --tag KEY=VALUE, came \`${one.slice(0, 80)}\``);
    tags[key] = value;
  }
  return tags;
}
