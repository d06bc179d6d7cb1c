import { join } from 'node:path';
import { CommandError } from '@provability-fabric/command-line';
import type { LocalPlace } from '@provability-fabric/fabric';
import type { PlaceOptions } from '../output/place-options.ts';
import type { Shell } from '../shell.ts';

/** What was typed, else what the environment says, else beside the working directory. */
export function localPlace(shell: Shell, options: PlaceOptions): LocalPlace {
  const { settings } = shell.terminal;
  const policyFile = options.policyFile ?? settings.policyFile;
  const dataDir = shell.path(options.dataDir ?? settings.dataDir ?? 'data');
  return {
    dataDir,
    keysDir: options.keysDir === undefined ? join(dataDir, 'keys') : shell.path(options.keysDir),
    projectRoot: shell.path(options.projectRoot ?? settings.projectRoot ?? '.'),
    policyFile: policyFile === undefined ? null : shell.path(policyFile),
  };
}

type Folder = 'dataDir' | 'keysDir' | 'projectRoot' | 'policyFile';

/** What a governor on this machine works with; keys are on this machine wherever the governor is. */
const OF_A_GOVERNOR: readonly Folder[] = ['dataDir', 'projectRoot', 'policyFile'];

/** The service to ask; undefined: the data folder. A folder that was typed counts for more than SAFEAI_URL. */
export function serviceUrl(
  shell: Shell,
  options: PlaceOptions,
  local: readonly Folder[] = OF_A_GOVERNOR,
): string | undefined {
  const first = local.find((name) => options[name] !== undefined);
  if (options.url === undefined) {
    if (options.tokenFile !== undefined && shell.terminal.settings.url === undefined)
      throw new CommandError(
        'INPUT_INVALID',
        'expected --url (or SAFEAI_URL) beside --token-file, came none',
      );
    return first === undefined ? shell.terminal.settings.url : undefined;
  }
  if (first === undefined) return options.url;
  const flag = `--${first.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new CommandError('INPUT_INVALID', `expected either --url or ${flag}, came both; leave one out`);
}
