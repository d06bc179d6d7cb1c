import { CommandError, visible } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { environmentOption, type Format, formatOption } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface SetOptions {
  readonly env: string;
  readonly format: Format;
}

export function addConfigurationSet(configuration: Command, shell: Shell): void {
  configuration
    .command('set')
    .summary('change a key while the fabric runs')
    .description(
      'Checks the value and writes it into config/<env>/policy-config/KEY, where a running fabric finds it within a second. ' +
        'A mounted ConfigMap is not written to.',
    )
    .argument('<key>', 'one of the keys of policy-config/')
    .argument('<value>', 'its value')
    .addOption(environmentOption())
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl config set enforcement_mode monitor --env staging\n')
    .action(
      shell.action(async (key: string, text: string, { env, format }: SetOptions) => {
        const { checkLiveChange, findLiveDirectory, readLiveValue } = await import(
          '@provability-fabric/configuration'
        );
        const { writeLiveKey } = await import('../configuration/write-live-key.ts');
        const change = checkLiveChange(key, text);
        if (!change.ok) throw new CommandError('INPUT_INVALID', change.problem);
        const place = await findLiveDirectory(shell.root, env);
        if (!place.ok) throw await shell.refused(place.problems);
        const before = await readLiveValue(place.directory, change.key);
        const changed = before.from !== 'file' || before.value !== change.value;
        if (changed) await writeLiveKey(place.directory, change.key, change.value);

        const value = before.from === 'bad-file' ? null : before.value;
        const shown = { file: value, default: `${value ?? 'none'} (default)`, 'bad-file': 'a refused value' };
        await shell.terminal.write(
          format === 'json'
            ? `${JSON.stringify({ environment: env, key, before: value, after: change.value, changed })}\n`
            : `${key}: ${changed ? `${visible(shown[before.from] ?? '')} → ${change.value}` : `${change.value} (unchanged)`}` +
                ` in ${visible(place.directory)}\n`,
        );
        return EXIT.ok;
      }),
    );
}
