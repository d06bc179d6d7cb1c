import type { Command } from 'commander';
import type { Shell } from '../shell.ts';
import { addBundleDraft } from './bundle-draft.ts';

export function addBundle(program: Command, shell: Shell): void {
  const bundle = program
    .command('bundle')
    .summary('draft a bundle from tool descriptions')
    .description('Writes bundles for people to review.')
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ pfctl bundle draft desk --tools tools.json\n');
  addBundleDraft(bundle, shell);
}
