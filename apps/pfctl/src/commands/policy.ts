import type { Command } from 'commander';
import type { Shell } from '../shell.ts';
import { addPolicyCheck } from './policy-check.ts';
import { addPolicyCompile } from './policy-compile.ts';
import { addPolicyExplain } from './policy-explain.ts';

export function addPolicy(program: Command, shell: Shell): void {
  const policy = program
    .command('policy')
    .summary('check, compile or explain a bundle')
    .description('What a bundle says, before it is in force.')
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ pfctl policy explain bundles/quickstart\n');
  addPolicyCheck(policy, shell);
  addPolicyCompile(policy, shell);
  addPolicyExplain(policy, shell);
}
