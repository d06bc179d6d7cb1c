import { join } from 'node:path';
import { NOW, type temporaryFolders } from '@provability-fabric/command-line/testing';
import { nodeCrypto, openKeyRing, verifyToken } from '@provability-fabric/evidence';

const ORIGIN = 'test.example/log';

/** A folder with an environment and a data folder that has keys. */
export async function projectWithKeys(folders: ReturnType<typeof temporaryFolders>): Promise<string> {
  const folder = folders.make({
    'config/local/fabric.yaml': `data_dir: data\norigin: ${ORIGIN}\nepoch: 7\n`,
  });
  await openKeyRing(join(folder, 'data/keys'), { origin: ORIGIN, create: true, crypto: nodeCrypto() });
  return folder;
}

/** Checks a token as the component of that audience does, with the keys of the project. */
export async function checkToken(root: string, text: string, audience = 'sidecar-watcher', now = NOW) {
  const ring = await openKeyRing(join(root, 'data/keys'), { origin: ORIGIN, create: false });
  return verifyToken(text, {
    issuer: ORIGIN,
    audience,
    keys: ring.tokenKeys(),
    now,
    clockToleranceSeconds: 0,
  });
}
