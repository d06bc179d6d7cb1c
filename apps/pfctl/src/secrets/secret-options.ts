import { visibleJson } from '@provability-fabric/command-line';
import type { JsonValue } from '@provability-fabric/kernel';
import type { Command } from 'commander';
import { environmentOption, type Format, formatOption } from '../output/options.ts';
import type { Shell } from '../shell.ts';
import type { SecretsPlace } from './ask-secrets.ts';

export type SecretOptions = SecretsPlace & { readonly format: Format };

/** Which service, on whose behalf, and in which tenant. */
export function withSecretsPlace(command: Command): Command {
  return command
    .option('--tenant <tenant>', "whose secrets (default: the token's tenant)")
    .option('--url <url>', "where the secrets service is (default: the environment's listen_secrets)")
    .option('--ca <file>', 'PEM: who signed its certificate')
    .option('--token-file <file>', 'holds a token with the audience secrets')
    .addOption(environmentOption())
    .addOption(formatOption());
}

/** What the service said, or our words for it. */
export async function printed(
  shell: Shell,
  format: Format,
  said: JsonValue,
  text: () => string,
): Promise<void> {
  const { stringifyJson } = await import('@provability-fabric/kernel');
  await shell.terminal.write(format === 'json' ? `${visibleJson(stringifyJson(said))}\n` : text());
}
