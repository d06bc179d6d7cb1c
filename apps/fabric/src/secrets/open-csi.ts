import { readFile } from 'node:fs/promises';
import {
  type CsiEvent,
  type CsiProvider,
  mountsFromSecrets,
  openClusterKeys,
  parseCsiFile,
  startCsiProvider,
} from '@provability-fabric/gateway-csi';
import type { Secrets } from '@provability-fabric/secrets';
import { VERSION } from '../version.ts';

/** The Secrets Store CSI provider that a file describes. Throws CSI_FILE_INVALID, CSI_RULES_INVALID, CSI_SOCKET_*. */
export async function openCsi(
  file: string,
  secrets: Pick<Secrets, 'mount'>,
  emit: (event: CsiEvent) => void,
): Promise<CsiProvider> {
  const { socketPath, issuer, audience, keys, maxMounts, timeoutMs, rules } = parseCsiFile(
    await readFile(file, 'utf8'),
  );
  return startCsiProvider({
    socketPath,
    cluster: { issuer, audience, keys: await openClusterKeys(keys) },
    rules,
    secrets: mountsFromSecrets(secrets),
    version: VERSION,
    maxMounts,
    timeoutMs,
    emit,
    now: Date.now,
  });
}
