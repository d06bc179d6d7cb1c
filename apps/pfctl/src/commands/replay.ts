import type { Environment } from '@provability-fabric/policy';
import type { Command } from 'commander';
import { choiceOption, type Format, formatOption, required } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface ReplayOptions {
  readonly bundle?: string;
  readonly trace?: string;
  readonly compareBundle?: string;
  readonly mode: Environment['enforcement_mode'];
  readonly format: Format;
}

export function addReplay(program: Command, shell: Shell): void {
  program
    .command('replay')
    .summary('decide recorded sessions again')
    .description(
      'Decides recorded sessions under a bundle and prints what each event gets and why. Two runs print the same bytes, on ' +
        'any machine. Exits with 2 where something is not accepted.',
    )
    .option('--bundle <path>', 'required: a bundle folder, or a compiled bundle.json')
    .option('--trace <path>', 'required: a trace file, a folder of them, or - for standard input')
    .option('--compare-bundle <path>', 'print only what this bundle would answer differently')
    .addOption(
      choiceOption('--mode <mode>', "the environment's enforcement mode", [
        'shadow',
        'monitor',
        'enforce',
        'disabled',
      ]).default('enforce'),
    )
    .addOption(formatOption())
    .addHelpText(
      'after',
      '\nExample:\n' +
        '  $ pfctl replay --bundle bundles/quickstart --trace examples/traces\n' +
        '  $ pfctl replay --bundle old --compare-bundle new --trace week.jsonl --format json | jq .changes\n',
    )
    .action(
      shell.action(async (options: ReplayOptions) => {
        const { terminal, style } = shell;
        const bundlePath = required(options.bundle, '--bundle <path>');
        const tracePath = required(options.trace, '--trace <path>');
        const { openBundle } = await import('../bundles/open-bundle.ts');
        const { openTraces } = await import('../replay/read-traces.ts');
        const { compareTraces, replayTraces } = await import('../replay/replay-traces.ts');
        const bundle = await openBundle(shell, bundlePath);
        const compared =
          options.compareBundle === undefined ? undefined : await openBundle(shell, options.compareBundle);
        const input = await openTraces(tracePath, terminal);
        const environment = { enforcement_mode: options.mode, default_mode: null, overlay: null };
        const replay = { input, bundle, environment, format: options.format, style, terminal };
        return compared === undefined ? replayTraces(replay) : compareTraces({ ...replay, compared });
      }),
    );
}
