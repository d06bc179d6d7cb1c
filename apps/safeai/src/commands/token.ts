import { choiceOption, durationMs, required } from '@provability-fabric/command-line';
import { type Command, Option } from 'commander';
import { EXIT } from '../exit-codes.ts';
import {
  dataOption,
  type FormatOptions,
  type PlaceOptions,
  wantsJson,
  withFormat,
} from '../output/place-options.ts';
import { localPlace } from '../service/place.ts';
import type { Shell } from '../shell.ts';

interface TokenOptions extends PlaceOptions, FormatOptions {
  readonly sub?: string;
  readonly role?: string;
  readonly expires: number;
}

const LIFETIME_MS = 15 * 60_000;
const ROLES = ['admin', 'operator', 'auditor', 'proposer'];

export function addToken(program: Command, shell: Shell): void {
  const token = program
    .command('token')
    .summary('make tokens for the service')
    .description("Tokens, which the governor's HTTP routes ask for.")
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ safeai token create --sub alice --role operator > token\n');
  const create = token
    .command('create')
    .summary('sign a token')
    .description(
      'Prints a token on standard output and nothing else there. It is signed with SAFEAI_JWT_PRIVATE_KEY (or the secret of an ' +
        "explicit HS256), and where no such setting is made, with the data folder's own token key.",
    )
    .option('--sub <id>', 'required: whom it speaks for')
    .addOption(choiceOption('--role <role>', 'required: what they may do', ROLES))
    .addOption(
      new Option('--expires <duration>', 'how long it lives')
        .argParser(durationMs)
        .default(LIFETIME_MS, '15m'),
    )
    .addOption(dataOption());
  withFormat(create)
    .addHelpText(
      'after',
      '\nExample:\n  $ safeai token create --sub alice --role operator --expires 15m > token\n',
    )
    .action(
      shell.action(async (options: TokenOptions) => {
        const subject = required(options.sub, '--sub <id>');
        const role = required(options.role, '--role <role>');
        const governance = await shell.governance();
        const wish = { subject, role, lifetimeMs: options.expires };
        const made = await governance.issueToken(localPlace(shell, options), wish);
        const expires = new Date(made.expiresAt).toISOString();
        if (wantsJson(options))
          await shell.json({ token: made.token, token_id: made.id, expires_at: expires });
        else {
          await shell.terminal.write(`${made.token}\n`);
          shell.terminal.note(`token ${made.id} until ${expires}\n`);
        }
        return EXIT.ok;
      }),
    );
}
