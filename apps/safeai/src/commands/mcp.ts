import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { type PlaceOptions, withFolders } from '../output/place-options.ts';
import { localPlace } from '../service/place.ts';
import type { Shell } from '../shell.ts';

export function addMcp(program: Command, shell: Shell): void {
  const command = program
    .command('mcp')
    .summary('let an agent propose changes over MCP')
    .description(
      'Speaks MCP over standard input and output: an agent may propose a change, check one and ask for the status, and decides ' +
        'nothing. Put the command into the configuration of an MCP client.',
    );
  withFolders(command)
    .addHelpText('after', '\nExample:\n  $ safeai mcp --data-dir /data --project-root /src\n')
    .action(
      shell.action(async (options: PlaceOptions) => {
        const { callerOf } = await import('../service/local-desk.ts');
        const governance = await shell.governance();
        const caller = { ...callerOf(shell), actor: 'mcp' } as const;
        await shell.terminal.interruptible((signal) =>
          governance.serveMcp(localPlace(shell, options), caller, signal),
        );
        return EXIT.ok;
      }),
    );
}
