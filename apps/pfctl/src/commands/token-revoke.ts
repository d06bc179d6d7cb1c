import { required, visible, visibleJson } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption } from '../output/options.ts';
import type { Shell } from '../shell.ts';
import type { RevokeOptions as Revocation } from '../tokens/revoke-tokens.ts';

type RevokeOptions = Omit<Revocation, 'reason'> & { readonly reason?: string; readonly format: Format };

export function addTokenRevoke(token: Command, shell: Shell): void {
  token
    .command('revoke')
    .summary('have the ledger revoke tokens')
    .description(
      'Revokes tokens by their ids, for good, in every fabric on the ledger. Speaks with the token in --token-file, or in ' +
        'LEDGER_TOKEN, or one of a minute that the data folder signs. Exits with 2 where the ledger refuses.',
    )
    .argument('<id...>', 'the tokens’ ids: their `jti`')
    .option('--reason <text>', 'required: why, for the record')
    .option('--tenant <tenant>', 'whose they are (default: what their records say)')
    .option('--ledger <url>', "where the ledger is (default: the environment's listen_ledger)")
    .option('--ca <file>', "PEM: who signed the ledger's certificate")
    .option('--token-file <file>', 'holds a token of the role operator for the ledger')
    .addOption(environmentOption())
    .addOption(dataOption())
    .addOption(formatOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl token revoke 0b9fd2c7-9c1e-4f42-8a43-5d9f3f2b6a10 --reason "laptop stolen" --env production\n',
    )
    .action(
      shell.action(async (ids: readonly string[], { format, ...options }: RevokeOptions) => {
        const reason = required(options.reason, '--reason <text>');
        const { revokeTokens } = await import('../tokens/revoke-tokens.ts');
        const answer = await revokeTokens(shell, ids, { ...options, reason });
        const unknown = new Set(answer.unknown);
        const line = (id: string) =>
          `revoked ${visible(id)}${unknown.has(id) ? '  (the ledger had no record of it)' : ''}\n`;
        await shell.terminal.write(
          format === 'json' ? `${visibleJson(JSON.stringify(answer))}\n` : answer.revoked.map(line).join(''),
        );
        return EXIT.ok;
      }),
    );
}
