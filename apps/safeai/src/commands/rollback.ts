import { CommandError, position } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import {
  type FormatOptions,
  type PlaceOptions,
  wantsJson,
  withFormat,
  withPlace,
} from '../output/place-options.ts';
import { printRolledBack } from '../output/print-applied.ts';
import { atDesk } from '../service/desk.ts';
import type { Shell } from '../shell.ts';

interface RollbackOptions extends PlaceOptions, FormatOptions {
  readonly hash?: string;
  readonly index?: number;
}

export function addRollback(program: Command, shell: Shell): void {
  const command = program
    .command('rollback')
    .summary('take a change back')
    .description(
      'Makes the inverse of a change and applies it like any other: under the policy, with its tests, on record. Refuses when ' +
        'later changes touch the same files, and names them.',
    )
    .option('--hash <manifest-hash>', 'the change, by the hash of its manifest')
    .option('--index <n>', 'the change, by its place in the audit', position);
  withFormat(withPlace(command))
    .addHelpText('after', '\nExample:\n  $ safeai rollback --index 12\n')
    .action(
      shell.action(async (options: RollbackOptions) => {
        const request = requestOf(options);
        const answer = await atDesk(shell, options, 'change', (desk) => desk.rollback(request));
        if (wantsJson(options)) await shell.json(answer);
        else await printRolledBack(shell, answer);
        return EXIT.ok;
      }),
    );
}

function requestOf({ hash, index }: RollbackOptions) {
  if (hash !== undefined && index === undefined) return { manifest_hash: hash };
  if (index !== undefined && hash === undefined) return { audit_index: index };
  const came = hash === undefined ? 'neither' : 'both';
  throw new CommandError('INPUT_INVALID', `expected --hash or --index, came ${came}; --help shows how`);
}
