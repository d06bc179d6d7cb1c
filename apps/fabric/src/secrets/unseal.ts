import { randomBytes } from 'node:crypto';
import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type RootKeySource,
  type RootKeys,
  rootKeyFromFile,
  rootKeyFromPassphraseFile,
} from '@provability-fabric/secrets';
import type { Logger } from 'pino';
import type { RootKeySource as NamedSource } from './secrets-settings.ts';

const AGAIN_MS = 2_000;
const OWN_KEY = 'secrets.root-key';

/** How a source that the environment names is read. */
export function sourceOf({ kind, path }: NamedSource): RootKeySource {
  return kind === 'file' ? rootKeyFromFile(path) : rootKeyFromPassphraseFile(path);
}

/**
 * The root key of a service whose database is its own, beside the other keys: whoever has the data folder has everything
 * of it anyway. With a database of somebody else's a key is named, or the service stays sealed.
 */
export async function ownRootKey(keyFolder: string): Promise<RootKeySource> {
  const path = join(keyFolder, OWN_KEY);
  const length = await stat(path).then(
    ({ size }) => size,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    },
  );
  // An empty one is what a crash of an earlier release left; no store was ever opened with it.
  if (length === null || length === 0) await makeWhole(keyFolder, path);
  return rootKeyFromFile(path);
}

/** Under its name only once all of it is on the disk: half a key, left by a crash, would keep the store sealed for ever. */
async function makeWhole(keyFolder: string, path: string): Promise<void> {
  const unfinished = `${path}.new-${randomBytes(6).toString('hex')}`;
  const file = await open(unfinished, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(32).toString('base64')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
  const folder = await open(keyFolder, 'r');
  await folder.sync().finally(() => folder.close());
}

export interface Unsealing {
  /** Why the store is still sealed; undefined once it is open. */
  problem(): string | undefined;
  stop(): void;
}

/** Opens the store with the key; where that fails, says why and tries again: a file that is mounted later, or mended. */
export async function keepUnsealing(
  rootKeys: RootKeys,
  source: RootKeySource | null,
  log: Logger,
): Promise<Unsealing> {
  let problem: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const attempt = async () => {
    const before = problem;
    try {
      if (source === null)
        throw new Error(
          'expected SECRETS_ROOT_KEY_FILE or SECRETS_ROOT_PASSPHRASE_FILE to name a file, came neither',
        );
      const key = await rootKeys.unseal(source);
      problem = undefined;
      log.info({ event: 'secrets_unsealed', tags: [], root_key: key.id }, 'the store of secrets is open');
    } catch (error) {
      problem = error instanceof Error ? error.message : 'unknown';
      if (problem !== before)
        log.error({ event: 'secrets_sealed', tags: ['ERROR'], problem }, 'the store of secrets is sealed');
      if (!stopped && source !== null) timer = setTimeout(() => void attempt(), AGAIN_MS).unref();
    }
  };
  await attempt();
  return {
    problem: () => problem,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
