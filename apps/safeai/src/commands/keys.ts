import { choiceOption, required, table, visible } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { readInput } from '../input/read-document.ts';
import {
  dataOption,
  type FormatOptions,
  keysOption,
  type PlaceOptions,
  wantsJson,
  withFormat,
} from '../output/place-options.ts';
import { localPlace } from '../service/place.ts';
import type { Shell } from '../shell.ts';

type Role = 'human' | 'agent' | 'service';

interface KeyOptions extends PlaceOptions, FormatOptions {
  readonly keyId: string;
  readonly role: Role;
  readonly principal?: string;
  readonly ifMissing?: boolean;
}

const ROLES: readonly Role[] = ['human', 'agent', 'service'];

export function addKeys(program: Command, shell: Shell): void {
  const keys = program
    .command('keys')
    .summary('make, list, rotate, retire or import signing keys')
    .description(
      'The key ring of a governor: who may sign a change. A signing key is a file `ed25519.<id>.sk` that only its owner may read, ' +
        'its public half `ed25519.<id>.vk`; the ring says which are in force.',
    )
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ safeai keys generate --key-id alice\n');
  addGenerate(keys, shell);
  addList(keys, shell);
  addRotate(keys, shell);
  addRetire(keys, shell);
  addImport(keys, shell);
}

function withKeys(command: Command): Command {
  return withFormat(command.addOption(dataOption()).addOption(keysOption()));
}

function roleOption() {
  return choiceOption('--role <role>', 'who it speaks for', ROLES).default('human');
}

function addGenerate(keys: Command, shell: Shell): void {
  const command = keys
    .command('generate')
    .summary('make a key; never overwrites one')
    .option('--key-id <id>', 'its name', 'default')
    .addOption(roleOption())
    .option('--principal <name>', 'whose it is, for people')
    .option('--if-missing', 'be content where it is there already');
  withKeys(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ safeai keys generate --key-id default --data-dir /data --if-missing\n',
    )
    .action(
      shell.action(async ({ keyId, role, principal, ifMissing = false, ...options }: KeyOptions) => {
        const { generate } = await import('../keys/ring-work.ts');
        const { keysDir } = localPlace(shell, options);
        const made = await generate(keysDir, { keyId, role, principal }, ifMissing, shell.terminal);
        if (wantsJson(options)) await shell.json({ key_id: keyId, generated: made });
        else await shell.good(made ? `Generated keypair: ${keyId}` : `Keypair is there already: ${keyId}`);
        return EXIT.ok;
      }),
    );
}

function addList(keys: Command, shell: Shell): void {
  withKeys(keys.command('list').summary('the ring: ids, roles, and whether they are in force'))
    .addHelpText('after', '\nExample:\n  $ safeai keys list --json\n')
    .action(
      shell.action(async (options: KeyOptions) => {
        const { shownKeys } = await import('../keys/ring-work.ts');
        const found = await shownKeys(localPlace(shell, options).keysDir);
        if (wantsJson(options)) await shell.json(found);
        else {
          const rows = found.map((key) => [
            key.key_id,
            key.role,
            key.successor === null ? key.state : `${key.state} for ${key.successor}`,
            key.signs ? 'yes' : 'no',
            key.principal ?? '-',
            key.public_key,
          ]);
          const header = ['key', 'role', 'state', 'signs here', 'principal', 'public key'];
          await shell.terminal.write(table(header, rows, shell.style));
        }
        return EXIT.ok;
      }),
    );
}

function addRotate(keys: Command, shell: Shell): void {
  const command = keys
    .command('rotate')
    .summary('put a new key in the place of one')
    .description('Makes a new key with the role of the old one, and retires that: it signs nothing any more.')
    .option('--key-id <id>', 'the old one', 'default');
  withKeys(command)
    .addHelpText('after', '\nExample:\n  $ safeai keys rotate --key-id alice\n')
    .action(
      shell.action(async (options: KeyOptions) => {
        const { rotate } = await import('../keys/ring-work.ts');
        const { keysDir } = localPlace(shell, options);
        const { retired, fresh } = await rotate(keysDir, options.keyId, shell.terminal);
        if (wantsJson(options)) await shell.json({ retired, key_id: fresh });
        else {
          await shell.good(`Rotated: ${retired} is retired`);
          await shell.terminal.write(`  ${visible(fresh)} signs from now on\n`);
        }
        return EXIT.ok;
      }),
    );
}

function addRetire(keys: Command, shell: Shell): void {
  const command = keys
    .command('retire')
    .summary('let a key sign nothing any more')
    .option('--key-id <id>', 'required: which');
  withKeys(command)
    .addHelpText('after', '\nExample:\n  $ safeai keys retire --key-id alice\n')
    .action(
      shell.action(async (options: Partial<KeyOptions> & FormatOptions) => {
        const { retire } = await import('../keys/ring-work.ts');
        const keyId = required(options.keyId, '--key-id <id>');
        const retired = await retire(localPlace(shell, options).keysDir, keyId, shell.terminal);
        if (wantsJson(options)) await shell.json({ retired });
        else await shell.good(`Retired: ${retired}`);
        return EXIT.ok;
      }),
    );
}

function addImport(keys: Command, shell: Shell): void {
  const command = keys
    .command('import <file>')
    .summary("add somebody's public key to the ring")
    .description(
      'Takes a `.vk` file, an OpenSSH public key (`ssh-ed25519 …`) or a PEM, from a file or, as `-`, from standard input.',
    )
    .option('--key-id <id>', 'required: its name')
    .addOption(roleOption())
    .option('--principal <name>', 'whose it is, for people');
  withKeys(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ safeai keys import ~/.ssh/id_ed25519.pub --key-id alice --role human\n',
    )
    .action(
      shell.action(async (file: string, options: Partial<KeyOptions> & FormatOptions) => {
        const { addPublicKey } = await import('../keys/ring-work.ts');
        const { role = 'human', principal } = options;
        const keyId = required(options.keyId, '--key-id <id>');
        const text = Buffer.from(await readInput(shell, file, 'a public key')).toString();
        const { keysDir } = localPlace(shell, options);
        await addPublicKey(keysDir, { keyId, role, principal, text }, shell.terminal);
        if (wantsJson(options)) await shell.json({ key_id: keyId, role });
        else await shell.good(`Imported public key: ${keyId}`);
        return EXIT.ok;
      }),
    );
}
