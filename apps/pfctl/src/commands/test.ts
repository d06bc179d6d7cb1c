import { CommandError, collect } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { environmentOption, type Format, formatOption } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface TestOptions {
  readonly env: string;
  readonly suite: readonly string[];
  readonly format: Format;
}

export function addTest(program: Command, shell: Shell): void {
  program
    .command('test')
    .summary("run bundles' own test cases")
    .description(
      "Runs the cases in tests/*.yaml of the bundles, of the environment's bundle where none is named. Exits with 1 where a " +
        'case fails.',
    )
    .argument('[folder...]', "bundles' folders")
    .addOption(environmentOption())
    .option(
      '--suite <name>',
      'only this file of tests/, without its extension; may be given several times',
      collect,
      [],
    )
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl test bundles/quickstart --suite basic\n')
    .action(
      shell.action(async (folders: readonly string[], { env, suite, format }: TestOptions) => {
        const { runSuites } = await import('../testing/run-suites.ts');
        const { printResults } = await import('../testing/print-results.ts');
        const results = await runSuites(
          shell,
          folders.length > 0 ? folders : [await bundleOf(shell, env)],
          suite,
        );
        await shell.terminal.write(printResults(results, format, shell.style));
        return results.every(({ failures }) => failures.length === 0) ? EXIT.ok : EXIT.failure;
      }),
    );
}

async function bundleOf(shell: Shell, environment: string): Promise<string> {
  const { bundleDirectory } = await shell.settings(environment);
  if (bundleDirectory !== null) return bundleDirectory;
  throw new CommandError(
    'INPUT_INVALID',
    `expected a bundle's folder, or \`bundle\` in config/${environment}/fabric.yaml; name one of them`,
  );
}
