import { table, visibleJson } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { environmentOption, type Format, formatOption } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface ShowOptions {
  readonly env: string;
  readonly format: Format;
}

export function addConfigurationShow(configuration: Command, shell: Shell): void {
  configuration
    .command('show')
    .summary('every setting, and where it comes from')
    .description(
      'Prints each key with the value that holds and its source: a file and line, or its default. What may be a secret is ' +
        'left out: the values of environment variables, arguments of programs, queries of addresses.',
    )
    .addOption(environmentOption())
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl config show --env production --format json\n')
    .action(
      shell.action(async ({ env, format }: ShowOptions) => {
        const { readEffectiveValues } = await import('@provability-fabric/configuration');
        const read = await readEffectiveValues(shell.root, env);
        if (!read.ok) throw await shell.refused(read.problems);
        if (format === 'json') {
          const settings = read.values.map(({ key, where, value, source }) => [
            key,
            { where, value, source },
          ]);
          const whole = { environment: env, settings: Object.fromEntries(settings) };
          await shell.terminal.write(`${visibleJson(JSON.stringify(whole))}\n`);
        } else {
          const rows = read.values.map(({ key, value, source }) => [key, value ?? '-', source]);
          await shell.terminal.write(
            table(['key', 'value', 'source'], rows, shell.style, (cell, column) =>
              column === 2 ? shell.style(cell, 'dim') : cell,
            ),
          );
        }
        return EXIT.ok;
      }),
    );
}
