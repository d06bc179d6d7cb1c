import type { Command } from 'commander';
import type { Shell } from '../shell.ts';
import { addTokenCreate } from './token-create.ts';
import { addTokenList } from './token-list.ts';
import { addTokenRevoke } from './token-revoke.ts';

export function addToken(program: Command, shell: Shell): void {
  const token = program
    .command('token')
    .summary('make, list or revoke capability tokens')
    .description('Capability tokens, which the HTTP routes ask for.')
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl token create --tenant acme --subject agent-1 --role support\n',
    );
  addTokenCreate(token, shell);
  addTokenList(token, shell);
  addTokenRevoke(token, shell);
}
