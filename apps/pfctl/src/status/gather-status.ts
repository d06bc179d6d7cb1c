import type { Settings } from '@provability-fabric/configuration';
import { findDataFolder } from '../evidence/data-folder.ts';
import type { Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';
import { type ActivatedBundle, activatedBundle } from './activated-bundle.ts';
import { askHealth, type HealthAnswer } from './health.ts';
import { type Holder, holderOf } from './holder.ts';
import type { Finding, LogStatus } from './read-log.ts';

export interface Status {
  readonly settings: Settings;
  readonly dataFolder: string;
  /** null: none was ever in force here. */
  readonly bundle: ActivatedBundle | null;
  readonly holder: Holder | undefined;
  readonly health: HealthAnswer;
  /** null: no fabric ever ran here, or the log cannot be read and a finding says why. */
  readonly log: LogStatus | null;
  readonly findings: readonly Finding[];
}

export async function gatherStatus(shell: Shell, place: Place & { readonly full: boolean }): Promise<Status> {
  const settings = await shell.settings(place.env);
  const dataFolder = place.data === undefined ? settings.dataDirectory : shell.path(place.data);
  const asked = askHealth(settings.listen);
  const holder = await holderOf(dataFolder);
  const bundle = await activatedBundle(dataFolder);
  const folder = await findDataFolder(shell, place);
  if (folder === undefined) {
    return { settings, dataFolder, bundle, holder, health: await asked, log: null, findings: [] };
  }
  const { readLog } = await import('./read-log.ts');
  const { log, findings } = await readLog(folder, { now: shell.terminal.now(), full: place.full });
  const mismatch: Finding[] =
    place.data === undefined && folder.origin !== settings.origin
      ? [
          {
            grave: false,
            message: `the keys are of the log ${folder.origin}, but \`origin\` says ${settings.origin}`,
          },
        ]
      : [];
  return {
    settings,
    dataFolder,
    bundle,
    holder,
    health: await asked,
    log,
    findings: [...findings, ...mismatch],
  };
}
