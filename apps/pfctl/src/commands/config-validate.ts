import { plural, visible, visibleJson } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { environmentOption, type Format, formatOption } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface ValidateOptions {
  readonly env: string;
  readonly format: Format;
}

export function addConfigurationValidate(configuration: Command, shell: Shell): void {
  configuration
    .command('validate')
    .summary('say everything that is wrong with an environment')
    .description(
      'Checks every file of config/<env>/ as the fabric does, and says all that is wrong at once, with file, line and mend. ' +
        'Exits with 3 where something is.',
    )
    .addOption(environmentOption())
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl config validate --env staging\n')
    .action(
      shell.action(async ({ env, format }: ValidateOptions) => {
        const { formatProblem } = await import('@provability-fabric/configuration');
        const { problemsOf } = await import('../configuration/problems.ts');
        const problems = await problemsOf(shell.root, env);
        const valid = problems.length === 0;
        if (format === 'json') {
          const whole = JSON.stringify({ environment: env, valid, problems });
          await shell.terminal.write(`${visibleJson(whole)}\n`);
        } else {
          const lines = problems.map((problem) => `${visible(formatProblem(problem))}\n`).join('');
          const last = valid
            ? shell.style('valid', 'good')
            : shell.style(`${plural(problems.length, 'problem')}: nothing of it would be used`, 'bad');
          await shell.terminal.write(`${lines}config/${visible(env)}: ${last}\n`);
        }
        return valid ? EXIT.ok : EXIT.invalidInput;
      }),
    );
}
