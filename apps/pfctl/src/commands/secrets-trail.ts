import { count } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { sinceOption, untilOption } from '../output/options.ts';
import { printed, type SecretOptions, withSecretsPlace } from '../secrets/secret-options.ts';
import type { Shell } from '../shell.ts';

type AuditOptions = SecretOptions & {
  readonly secret?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
};

/** What is on record about secrets. */
export function addSecretsTrail(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('audit'))
    .summary('who did what')
    .description(
      'Lists accesses, newest first: those that were refused too. `attested` says whether a signed statement of the ledger ' +
        'says the same; `pfctl continuity check` holds all of them against the ledger.',
    )
    .option('--secret <name>', 'of this secret')
    .addOption(sinceOption())
    .addOption(untilOption())
    .option('--limit <n>', 'at most so many', count, 100)
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl secrets audit --secret db/primary --since 1hour --token-file auditor.token\n',
    )
    .action(
      shell.action(async ({ format, secret, since, until, limit, ...place }: AuditOptions) => {
        const { secretsAt } = await import('../secrets/ask-secrets.ts');
        const { listAccesses } = await import('../secrets/list-accesses.ts');
        const { printAccesses } = await import('../secrets/print-secrets.ts');
        const { parseRange } = await import('../times.ts');
        const range = parseRange({ since, until }, shell.terminal.now());
        const at = await secretsAt(shell, place);
        const accesses = await listAccesses(at, { secret, ...range, limit });
        await printed(shell, format, [...accesses], () => printAccesses(accesses, shell.style));
        return EXIT.ok;
      }),
    );
}
