import type { Command } from 'commander';
import { PfctlError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import {
  collect,
  dataOption,
  durationMs,
  environmentOption,
  type Format,
  formatOption,
  type Place,
  required,
} from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface TokenOptions extends Place {
  readonly tenant?: string;
  readonly principal?: string;
  readonly role: readonly string[];
  readonly org?: string;
  readonly audience: string;
  readonly session?: string;
  readonly cap: readonly string[];
  readonly ttl: number;
  readonly format: Format;
}

export function addToken(program: Command, shell: Shell): void {
  const token = program
    .command('token')
    .summary('make a capability token')
    .description('Capability tokens, which the HTTP routes ask for.')
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl token create --tenant acme --principal agent-1 --role support\n',
    );
  token
    .command('create')
    .summary("sign a token with the data folder's token key")
    .description(
      'Prints a capability token. Whoever holds it acts as the principal until it expires, an hour at most; the role `host` ' +
        'may also speak for the user.',
    )
    .option('--tenant <tenant>', 'required: the tenant')
    .option('--principal <id>', 'required: whom it speaks for')
    .option('--role <role>', 'a role of theirs; may be given several times', collect, [])
    .option('--org <org>', 'their organisation (default: the tenant)')
    .option('--audience <name>', 'the component that takes it', 'sidecar-watcher')
    .option('--session <id>', 'bind it to this session')
    .option(
      '--cap <capability>',
      'call:TOOL, read:URI or *; may be given several times (default: *)',
      collect,
      [],
    )
    .option('--ttl <duration>', 'how long it lives, at most 1h', durationMs, 15 * 60_000)
    .addOption(environmentOption())
    .addOption(dataOption())
    .addOption(formatOption())
    .addHelpText(
      'after',
      '\nExample:\n' +
        '  $ pfctl token create --tenant acme --principal agent-1 --role support --cap call:read_text_file --ttl 5m\n',
    )
    .action(
      shell.action(async (options: TokenOptions) => {
        const tenant = required(options.tenant, '--tenant <tenant>');
        const principal = required(options.principal, '--principal <id>');
        const { createToken } = await import('../evidence/create-token.ts');
        const { findDataFolder } = await import('../evidence/data-folder.ts');
        const folder = await findDataFolder(shell, options);
        if (folder === undefined) {
          const mend = 'start the fabric once (npx pf serve), or name its folder with --data';
          throw new PfctlError('NOT_READY', `expected a data folder with a token key, came none; ${mend}`);
        }
        const { epoch } = await shell.settings(options.env);
        const { token: text, expires } = await createToken(folder, {
          ...options,
          tenant,
          principal,
          epoch,
          now: shell.terminal.now(),
        });
        await shell.terminal.write(
          options.format === 'json'
            ? `${JSON.stringify({ token: text, expires_at: expires })}\n`
            : `${text}\n`,
        );
        return EXIT.ok;
      }),
    );
}
