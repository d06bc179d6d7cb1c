import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import {
  type FormatOptions,
  type PlaceOptions,
  wantsJson,
  withFormat,
  withPlace,
} from '../output/place-options.ts';
import { atDesk } from '../service/desk.ts';
import type { Shell } from '../shell.ts';

export function addStatus(program: Command, shell: Shell): void {
  const command = program
    .command('status')
    .summary('say what the governor would do now')
    .description(
      'Tree, policy, kill switch, sandbox and audit of a governor. Exit code 1 when it could not apply a change.',
    );
  withFormat(withPlace(command))
    .addHelpText('after', '\nExample:\n  $ safeai status --url http://localhost:8000 --token-file token\n')
    .action(
      shell.action(async (options: PlaceOptions & FormatOptions) => {
        const status = await atDesk(shell, options, 'look', (desk) => desk.status());
        if (wantsJson(options)) await shell.json(status);
        else {
          const { printStatus } = await import('../output/print-status.ts');
          await printStatus(shell, status);
        }
        return status.can_apply ? EXIT.ok : EXIT.failure;
      }),
    );
}
