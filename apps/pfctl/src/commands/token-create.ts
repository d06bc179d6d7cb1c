import {
  CommandError,
  choiceOption,
  collect,
  durationMs,
  required,
  visible,
} from '@provability-fabric/command-line';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

const SIDECAR = 'sidecar-watcher';

interface CreateOptions extends Place {
  readonly tenant?: string;
  /** `--subject`, which is also called so. */
  readonly principal?: string;
  readonly role: readonly string[];
  readonly org?: string;
  readonly audience: string;
  /** `--sid`, which is also called so. */
  readonly session?: string;
  readonly cap: readonly string[];
  readonly ttl: number;
  readonly epoch?: number;
  readonly raw: boolean;
  readonly format: Format;
}

export function addTokenCreate(token: Command, shell: Shell): void {
  token
    .command('create')
    .summary("sign a token with the data folder's token key")
    .description(
      'Prints a capability token, and where its record is. Whoever holds it acts as its subject until it expires, an hour at ' +
        'most; the role `host` may also speak for the user, `approver` decide about held actions, `operator` revoke and ' +
        'activate, `auditor` read the ledger.',
    )
    .option('--tenant <tenant>', 'required: the tenant')
    .addOption(
      new Option(
        '--subject, --principal <id>',
        'whom it speaks for; required for the sidecar-watcher (default elsewhere: operator)',
      ),
    )
    .option('--role <role>', 'a role of theirs; may be given several times', collect, [])
    .option('--org <org>', 'their organisation (default: the tenant)')
    .addOption(
      choiceOption('--audience <name>', 'the component that takes it', [
        SIDECAR,
        'policy-adapter',
        'ledger',
        'secrets',
      ]).default(SIDECAR),
    )
    .addOption(new Option('--sid, --session <id>', 'bind it to this session'))
    .option(
      '--cap <capability>',
      'call:TOOL, read:URI or *; may be given several times (default: *)',
      collect,
      [],
    )
    .option('--ttl <duration>', 'how long it lives, at most 1h', durationMs, 15 * 60_000)
    .option(
      '--epoch <n>',
      'of the tenant, where it was raised (default: `epoch` of the environment)',
      parseEpoch,
    )
    .option('--raw', 'print the token and nothing else, not even a remark', false)
    .addOption(environmentOption())
    .addOption(dataOption())
    .addOption(formatOption())
    .addHelpText(
      'after',
      '\nExample:\n' +
        '  $ pfctl token create --tenant acme --subject agent-1 --role support --cap call:read_text_file --ttl 5m\n' +
        '  $ LEDGER_TOKEN=$(pfctl token create --audience ledger --tenant acme --role auditor --raw)\n',
    )
    .action(
      shell.action(async ({ principal, session, ...options }: CreateOptions) => {
        const tenant = required(options.tenant, '--tenant <tenant>');
        const standard = options.audience === SIDECAR ? undefined : 'operator';
        const subject = required(principal ?? standard, '--subject <id>');
        if (options.raw && options.format === 'json')
          throw new CommandError('INPUT_INVALID', 'expected either --raw or --format json, came both');
        const { createToken } = await import('../tokens/create-token.ts');
        const { findDataFolder } = await import('../evidence/data-folder.ts');
        const folder = await findDataFolder(shell, options);
        if (folder === undefined) {
          const mend = 'start the fabric once (npx pf serve), or name its folder with --data';
          const where = visible(
            shell.path(options.data ?? (await shell.settings(options.env)).dataDirectory),
          );
          throw new CommandError('NOT_READY', `expected a token key in \`${where}\`, came none; ${mend}`);
        }
        const epoch = options.epoch ?? (await shell.settings(options.env)).epoch;
        const sid = session === undefined ? {} : { sid: session };
        const now = shell.terminal.now();
        const made = await createToken(folder, { ...options, ...sid, tenant, subject, epoch, now });
        const { id, expiresAt } = made.record;
        const expires = new Date(expiresAt).toISOString();
        await shell.terminal.write(
          options.format === 'json'
            ? `${JSON.stringify({ token: made.token, token_id: id, expires_at: expires, record: made.path })}\n`
            : `${made.token}\n`,
        );
        if (!options.raw)
          shell.terminal.note(`pfctl: token ${id} until ${expires}, recorded in ${made.path}\n`);
        return EXIT.ok;
      }),
    );
}

function parseEpoch(text: string): number {
  const epoch = Number(text);
  if (/^\d{1,15}$/.test(text) && epoch >= 1) return epoch;
  throw new InvalidArgumentError('expected a whole number from 1 on');
}
