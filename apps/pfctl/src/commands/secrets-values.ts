import { CommandError, choiceOption, count, visible } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import type { Format } from '../output/options.ts';
import { printed, type SecretOptions, withSecretsPlace } from '../secrets/secret-options.ts';
import type { Shell } from '../shell.ts';

type ListOptions = SecretOptions & { readonly prefix: string; readonly limit: number };
type ReadOptions = SecretOptions & { readonly field?: string; readonly version?: string };
type WriteOptions = SecretOptions & {
  readonly json?: string;
  readonly cas?: string;
  readonly description?: string;
};
type ImportOptions = SecretOptions & {
  readonly from: 'env' | 'vault' | 'aws';
  readonly as?: string;
  readonly prefix: string;
  readonly strip: string;
  readonly overwrite: boolean;
  readonly dryRun: boolean;
};

/** Reading, writing, and bringing in what is elsewhere. */
export function addSecretsValues(secrets: Command, shell: Shell): void {
  addList(secrets, shell);
  addRead(secrets, shell);
  addWrite(secrets, shell);
  addImport(secrets, shell);
  addDemo(secrets, shell);
}

function addList(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('list'))
    .summary('names')
    .description('Lists the names of the secrets of one tenant, in order. Values are read one at a time.')
    .option('--prefix <prefix>', 'names that begin with it', '')
    .option('--limit <n>', 'at most so many', count, 1000)
    .addHelpText('after', '\nExample:\n  $ pfctl secrets list --prefix db/ --token-file admin.token\n')
    .action(
      shell.action(async ({ format, prefix, limit, ...options }: ListOptions) => {
        const { secretsAt } = await import('../secrets/ask-secrets.ts');
        const { listNames } = await import('../secrets/list-names.ts');
        const at = await secretsAt(shell, options);
        const { names, more } = await listNames(at, prefix, limit);
        await printed(shell, format, [...names], () =>
          names.length === 0 ? 'there are none\n' : names.map((name) => `${visible(name)}\n`).join(''),
        );
        if (more) shell.terminal.note(`pfctl: there are more; --limit shows up to 999999999\n`);
        return EXIT.ok;
      }),
    );
}

function addRead(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('read'))
    .summary('the value')
    .description(
      'Prints a secret as JSON, or the text of one field and nothing else. Whoever reads the terminal, its log or a pipe has ' +
        'it then; tools can use a secret that nobody reads (docs/how-to/use-secrets-without-reading.md).',
    )
    .argument('<name>', 'the secret')
    .option('--field <field>', 'print this field alone, as it is')
    .option('--version <version>', 'a number or an id (default: the current one)')
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl secrets read db/primary --field password --token-file admin.token\n',
    )
    .action(
      shell.action(async (name: string, { field: wanted, version, ...options }: ReadOptions) => {
        const { askObject, pathOf, secretsAt } = await import('../secrets/ask-secrets.ts');
        const { versionWord } = await import('../secrets/version-words.ts');
        const at = await secretsAt(shell, options);
        const query = new URLSearchParams({ tenant: at.tenant });
        if (version !== undefined) query.set('version', `${versionWord(version)}`);
        const said = await askObject(at, { method: 'GET', path: `/api/secrets/${pathOf(name)}?${query}` });
        if (wanted === undefined) {
          await printed(shell, 'json', said, () => '');
          return EXIT.ok;
        }
        const { fieldText } = await import('../secrets/field-text.ts');
        const text = fieldText(said, wanted);
        await shell.terminal.write(shell.terminal.watched ? `${text}\n` : text);
        return EXIT.ok;
      }),
    );
}

function addWrite(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('write'))
    .summary('a new version')
    .description(
      'Makes a new version out of the fields that are named; fields that are not named are not in it. A value is never given ' +
        'on the command line, which every user of the machine can see.',
    )
    .argument('<name>', 'the secret')
    .argument('[field...]', 'FIELD=@FILE, or FIELD=- for standard input')
    .option('--json <file>', 'a JSON object of texts instead; - for standard input')
    .option('--cas <n>', 'only if this is the current version; 0: only if there is none')
    .option('--description <text>', 'what it is for')
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl secrets write api/stripe token=@token.txt --token-file admin.token\n' +
        '  $ pass show db | pfctl secrets write db/primary password=- --cas 3\n',
    )
    .action(
      shell.action(async (name: string, named: readonly string[], options: WriteOptions) => {
        const { json, cas, description, format, ...where } = options;
        const { askObject, pathOf, secretsAt } = await import('../secrets/ask-secrets.ts');
        const { readFields } = await import('../secrets/read-fields.ts');
        const { printMade } = await import('../secrets/print-secrets.ts');
        const at = await secretsAt(shell, where);
        const value = await readFields(shell, named, json);
        const said = await askObject(at, {
          method: 'PUT',
          path: `/api/secrets/${pathOf(name)}?${new URLSearchParams({ tenant: at.tenant })}`,
          body: {
            value,
            ...(cas === undefined ? {} : { cas: casOf(cas) }),
            ...(description === undefined ? {} : { description }),
          },
        });
        await printed(shell, format, said, () => printMade(name, said));
        return EXIT.ok;
      }),
    );
}

function addImport(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('import'))
    .summary('bring in what is elsewhere')
    .description(
      'Writes the secrets of a `.env` file, of Vault (`vault kv get -format=json`) or of AWS (`aws secretsmanager ' +
        'get-secret-value`, `batch-get-secret-value`). What is there already is left as it is unless --overwrite is given; a ' +
        'second run goes on where the first one stopped.',
    )
    .argument('<file>', 'the file; - for standard input')
    .addOption(choiceOption('--from <kind>', 'what the file is', ['env', 'vault', 'aws']).default('env'))
    .option(
      '--as <name>',
      'one secret of this name: of a .env file, each variable a field of it (default: one secret each); of Vault, for one that does not say its name',
    )
    .option('--prefix <prefix>', 'put before each name', '')
    .option(
      '--strip <prefix>',
      'taken away from the beginning of each name, such as secret/data/production/',
      '',
    )
    .option('--overwrite', 'make a new version of what is there', false)
    .option('--dry-run', 'say what would be written', false)
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl secrets import .env --as app/settings --token-file admin.token\n' +
        '  $ pfctl secrets import vault.json --from vault --prefix imported/ --dry-run\n',
    )
    .action(
      shell.action(async (file: string, options: ImportOptions) => {
        const { secretsAt } = await import('../secrets/ask-secrets.ts');
        const { readImport } = await import('../secrets/read-import.ts');
        const { importSecrets } = await import('../secrets/import-secrets.ts');
        const wanted = await readImport(shell, file, options);
        const at = await secretsAt(shell, options);
        const results = await importSecrets(at, wanted, options, (done) => {
          if (shell.terminal.watched && done % 50 === 0)
            shell.terminal.note(`pfctl: ${done} of ${wanted.length}\n`);
        });
        await printed(
          shell,
          options.format,
          results.map((one) => ({ ...one })),
          () => results.map(({ name, result }) => `${visible(name)}: ${result}\n`).join(''),
        );
        return EXIT.ok;
      }),
    );
}

function addDemo(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('demo'))
    .summary('two secrets to try things with')
    .description(
      "Writes `test` and `test_secret` with random values into the token's tenant, where they are not there yet: what " +
        '`/api/test/secret-access`, `/api/secrets/test` and the runbook ask for.',
    )
    .addHelpText('after', '\nExample:\n  $ pfctl secrets demo --token-file admin.token\n')
    .action(
      shell.action(async ({ format, ...options }: SecretOptions & { readonly format: Format }) => {
        const { secretsAt } = await import('../secrets/ask-secrets.ts');
        const { importSecrets } = await import('../secrets/import-secrets.ts');
        const { demoSecrets } = await import('../secrets/demo-secrets.ts');
        const at = await secretsAt(shell, options);
        const results = await importSecrets(
          at,
          demoSecrets(),
          { overwrite: false, dryRun: false },
          () => undefined,
        );
        await printed(
          shell,
          format,
          results.map((one) => ({ ...one })),
          () => results.map(({ name, result }) => `${name}: ${result}\n`).join(''),
        );
        return EXIT.ok;
      }),
    );
}

function casOf(text: string): number {
  const cas = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  if (cas !== undefined) return cas;
  throw new CommandError('INPUT_INVALID', 'expected --cas with a version number from 0 up');
}
