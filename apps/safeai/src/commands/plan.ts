import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { readDocument } from '../input/read-document.ts';
import {
  type FormatOptions,
  type PlaceOptions,
  wantsJson,
  withFormat,
  withPlace,
} from '../output/place-options.ts';
import { atDesk } from '../service/desk.ts';
import type { Shell } from '../shell.ts';

interface PlanOptions extends PlaceOptions, FormatOptions {
  readonly manifest?: string;
}

export function addPlan(program: Command, shell: Shell): void {
  const command = program
    .command('plan')
    .summary('say what the policy makes of a change, and why')
    .description(
      'Asks the policy about a manifest, signed or not, and explains every rule, also those that pass. Changes nothing. ' +
        'Exit code 1 when it blocks.',
    )
    .option('-m, --manifest <file>', 'the manifest (default: standard input)');
  withFormat(withPlace(command))
    .addHelpText('after', '\nExample:\n  $ safeai plan -m manifest.json --project-root .\n')
    .action(
      shell.action(async (options: PlanOptions) => {
        const manifest = await readDocument(shell, options.manifest, 'a manifest');
        const plan = await atDesk(shell, options, 'look', (desk) => desk.plan(manifest));
        const { printPlan } = await import('../output/print-plan.ts');
        if (wantsJson(options)) await shell.json(plan);
        else await printPlan(shell, plan);
        return plan.verdict === 'approved' ? EXIT.ok : EXIT.failure;
      }),
    );
}
