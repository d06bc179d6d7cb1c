import { facts, visibleLines } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import {
  type FormatOptions,
  type PlaceOptions,
  wantsJson,
  withFolders,
  withFormat,
} from '../output/place-options.ts';
import { localPlace } from '../service/place.ts';
import type { Shell } from '../shell.ts';

export function addPolicy(program: Command, shell: Shell): void {
  const policy = program
    .command('policy')
    .summary('show the policy as it decides')
    .description('The policy file of the governor.')
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ safeai policy show --policy-file config/policy.yaml\n');
  const show = policy
    .command('show')
    .summary('digest, version, tier, and the Cedar text it means')
    .description(
      'Compiles the policy file, and prints its digest, version and tier and the Cedar policies that it comes to.',
    );
  withFormat(withFolders(show))
    .addHelpText('after', '\nExample:\n  $ safeai policy show --policy-file config/policy.yaml\n')
    .action(
      shell.action(async (options: PlaceOptions & FormatOptions) => {
        const governance = await shell.governance();
        const view = await governance.readPolicy(localPlace(shell, options));
        if (wantsJson(options)) await shell.json(view);
        else {
          const version = view.version === null ? 'none yet' : `${view.version}`;
          const about = facts([
            ['digest', view.digest],
            ['version', version],
            ['tier', `${view.tier}${view.safe_mode ? ', safe mode' : ''}`],
          ]);
          await shell.terminal.write(`${about}\n${visibleLines(view.cedar).trimEnd()}\n`);
        }
        return EXIT.ok;
      }),
    );
}
