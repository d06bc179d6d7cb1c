import type { Command } from 'commander';
import type { Shell } from '../shell.ts';
import { addConfigurationDiff } from './config-diff.ts';
import { addConfigurationSet } from './config-set.ts';
import { addConfigurationShow } from './config-show.ts';
import { addConfigurationValidate } from './config-validate.ts';

export function addConfiguration(program: Command, shell: Shell): void {
  const configuration = program
    .command('config')
    .summary('show, check, change or compare settings')
    .description('The settings of an environment: config/<env>/.')
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ pfctl config show --env production\n');
  addConfigurationShow(configuration, shell);
  addConfigurationValidate(configuration, shell);
  addConfigurationSet(configuration, shell);
  addConfigurationDiff(configuration, shell);
}
