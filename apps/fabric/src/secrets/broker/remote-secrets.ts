import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createSecretsClient } from '@provability-fabric/client';
import type { SecretBroker } from '@provability-fabric/enforcement';
import type { Crypto } from '@provability-fabric/kernel';
import { FabricError } from '../../errors.ts';
import { createHttpBroker } from './create-http-broker.ts';

export interface RemoteSecretsOptions {
  /** Of the secrets service. */
  readonly secretsUrl?: string;
  /** Holds a token of the role `secrets-sidecar`; read anew for each request, so that it can be renewed. */
  readonly secretsTokenFile?: string;
}

const TIMEOUT_MS = 5_000;

/** Secrets that another process keeps; undefined where none was named. Throws OPTION_INVALID for half of it. */
export function remoteSecretsFrom({
  secretsUrl: url,
  secretsTokenFile: file,
}: RemoteSecretsOptions): ((crypto: Crypto) => SecretBroker) | undefined {
  if (url === undefined && file === undefined) return undefined;
  if (url === undefined || file === undefined)
    throw new FabricError(
      'OPTION_INVALID',
      'expected --secrets-url and --secrets-token-file together, came one of them',
    );
  const client = clientFor(url, resolve(file));
  return (crypto) =>
    createHttpBroker({ crypto, ask: (question, body) => client.ask(question, body), now: Date.now });
}

function clientFor(url: string, tokenFile: string) {
  const token = async () => (await readFile(tokenFile, 'utf8')).trim();
  try {
    return createSecretsClient({ url, token, timeoutMs: TIMEOUT_MS, retries: 1 });
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'unknown';
    throw new FabricError('OPTION_INVALID', `the secrets service: ${problem}`);
  }
}
