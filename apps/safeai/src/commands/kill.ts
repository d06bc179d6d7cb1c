import { CommandError, required } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import {
  type FormatOptions,
  type PlaceOptions,
  wantsJson,
  withFormat,
  withPlace,
} from '../output/place-options.ts';
import { atKillDesk } from '../service/desk.ts';
import type { Shell } from '../shell.ts';

interface KillOptions extends PlaceOptions, FormatOptions {
  readonly reason?: string;
}

export function addKill(program: Command, shell: Shell): void {
  const kill = program
    .command('kill')
    .summary('stop the governor, start it again, or ask')
    .description(
      'The kill switch: while it is on, nothing is applied or rolled back by any replica. On the data folder it works while a ' +
        'service runs there, and also sets the database and Redis where these are configured.',
    )
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ safeai kill on --reason "bad deploy, see incident 12"\n');
  withFormat(withPlace(kill.command('on').summary('stop it').option('--reason <text>', 'required: why')))
    .addHelpText('after', '\nExample:\n  $ safeai kill on --reason "bad deploy"\n')
    .action(
      shell.action(async (options: KillOptions) => {
        const reason = checked(required(options.reason, '--reason <text>'));
        const state = await atKillDesk(shell, options, (desk) => desk.kill(reason));
        if (wantsJson(options)) await shell.json(state);
        else if (state.active) await shell.good(`Kill switch on: ${reason}`);
        else shell.bad('Kill switch: expected it to be on, and it is off');
        return state.active ? EXIT.ok : EXIT.failure;
      }),
    );
  withFormat(withPlace(kill.command('off').summary('let it work again').option('--reason <text>', 'why')))
    .addHelpText('after', '\nExample:\n  $ safeai kill off --reason "rolled back"\n')
    .action(
      shell.action(async (options: KillOptions) => {
        const reason = checked(options.reason ?? 'switched off from the command line');
        const state = await atKillDesk(shell, options, (desk) => desk.revive(reason));
        if (wantsJson(options)) await shell.json(state);
        else if (!state.active) await shell.good('Kill switch off');
        else shell.bad(`Kill switch still on: ${whyOf(state)}`);
        return state.active ? EXIT.failure : EXIT.ok;
      }),
    );
  withFormat(withPlace(kill.command('status').summary('say whether it is on; exit code 1 when it is')))
    .addHelpText('after', '\nExample:\n  $ safeai kill status --json\n')
    .action(
      shell.action(async (options: KillOptions) => {
        const state = await atKillDesk(shell, options, (desk) => desk.state());
        if (wantsJson(options)) await shell.json(state);
        else if (state.active) shell.bad(`Kill switch on: ${whyOf(state)}`);
        else await shell.good('Kill switch off');
        return state.active ? EXIT.failure : EXIT.ok;
      }),
    );
}

/** As the service takes it: it is shown to whoever asks whether the governor is ready. */
function checked(reason: string): string {
  if (/^\P{C}{1,200}$/u.test(reason) && reason.trim() !== '') return reason;
  throw new CommandError(
    'INPUT_INVALID',
    'expected --reason of 1 to 200 characters without control characters, came another text',
  );
}

function whyOf({ reason, sources }: { readonly reason: string | null; readonly sources: readonly string[] }) {
  const by = sources.length === 0 ? '' : ` (${sources.join(', ')})`;
  return `${reason ?? 'no reason given'}${by}`;
}
