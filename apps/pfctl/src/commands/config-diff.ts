import { required, table, visibleJson } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { environmentOption, type Format, formatOption } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface DiffOptions {
  readonly env: string;
  readonly baseline?: string;
  readonly format: Format;
}

export function addConfigurationDiff(configuration: Command, shell: Shell): void {
  configuration
    .command('diff')
    .summary('what differs from a baseline')
    .description(
      'Compares what holds in an environment with what holds in another, in a folder, or held at a git revision. Exits with ' +
        '1 where something differs.',
    )
    .addOption(environmentOption())
    .option('--baseline <name>', 'required: an environment, a folder, or a git revision')
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl config diff --env production --baseline HEAD~1\n')
    .action(
      shell.action(async ({ env, format, ...options }: DiffOptions) => {
        const baseline = required(options.baseline, '--baseline <name>');
        const { readEffectiveValues } = await import('@provability-fabric/configuration');
        const { readBaseline } = await import('../configuration/baseline.ts');
        const { differences } = await import('../configuration/differences.ts');
        const read = await readEffectiveValues(shell.root, env);
        if (!read.ok) throw await shell.refused(read.problems);
        const found = differences(await readBaseline(shell, env, baseline), read.values);
        if (format === 'json') {
          const whole = JSON.stringify({ environment: env, baseline, differences: found });
          await shell.terminal.write(`${visibleJson(whole)}\n`);
        } else {
          const rows = found.map(({ key, baseline: before, now }) => [key, before ?? '-', now ?? '-']);
          const text = table(['key', 'baseline', 'now'], rows, shell.style);
          await shell.terminal.write(found.length === 0 ? 'no differences\n' : text);
        }
        return found.length === 0 ? EXIT.ok : EXIT.failure;
      }),
    );
}
