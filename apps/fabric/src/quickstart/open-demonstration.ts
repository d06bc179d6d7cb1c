import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultSettings } from '@provability-fabric/configuration';
import { EvidenceError } from '@provability-fabric/evidence';
import { loadBundleFrom } from '../load-bundle.ts';
import { serviceLog } from '../observe/logger.ts';
import { type DecidingFabric, openFabric } from '../wire.ts';
import { say } from './narration.ts';

/** A fabric on this machine alone, for one of the demonstrations, which goes on with what it has. */
export async function openDemonstration(
  name: string,
  folder: string,
  data: string,
  bundleFolder: string,
): Promise<DecidingFabric> {
  const settings = defaultSettings(folder, name);
  const options = {
    dataFolder: data,
    bundle: await loadBundleFrom(bundleFolder),
    settings,
    live: { current: settings.live, onChange: () => undefined },
    log: serviceLog(name, 'silent'),
    database: null,
  };
  return openFabric(options).catch(async (error: unknown) => {
    if (!(error instanceof EvidenceError) || error.code !== 'BUNDLE_ROLLBACK') throw error;
    await setAside(folder, data);
    return openFabric(options);
  });
}

/** The demonstration's bundle changed without a new version, as it does in a checkout: its old log is kept, a new one begins. */
async function setAside(folder: string, data: string): Promise<void> {
  const kept = `${data}-${new Date().toISOString().replace(/[:.]/g, '-')}`;
  await rename(data, kept);
  await rm(join(folder, 'checkpoint'), { force: true });
  say(
    `The demonstration’s bundle has changed since the last run, so a new log begins; the old one is in ${kept}`,
  );
}
