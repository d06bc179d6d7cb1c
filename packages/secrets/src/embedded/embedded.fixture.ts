import { randomBytes } from 'node:crypto';
import { MemorySecretRows } from '@provability-fabric/testkit';
import type { SecretRows } from '../ports.ts';
import type { RootKeySource } from '../root-key/root-key-source.ts';
import { RootKeys } from '../root-key/root-keys.ts';
import { createEmbeddedProvider, type EmbeddedProvider } from './embedded-provider.ts';

export interface EmbeddedHouse {
  readonly rows: MemorySecretRows;
  readonly provider: EmbeddedProvider;
  readonly rootKeys: RootKeys;
}

/** A root key that is simply there. */
export function fixedSource(byte = 7): RootKeySource {
  const key = () => Buffer.from(Array.from({ length: 32 }, (_, at) => (at * 31 + byte) % 256));
  return {
    kind: 'file',
    make: async () => ({ key: key(), parameters: new Uint8Array(0) }),
    derive: async () => key(),
  };
}

/** One process with its keys; several may share rows. */
export async function openProcess(
  rows: SecretRows,
  source: RootKeySource = fixedSource(),
  clock: () => number = Date.now,
) {
  const rootKeys = new RootKeys({ rows, random: randomBytes });
  await rootKeys.unseal(source);
  const provider = createEmbeddedProvider({ rows, rootKeys, clock, random: randomBytes });
  return { rootKeys, provider };
}

export async function openHouse(): Promise<EmbeddedHouse> {
  const rows = new MemorySecretRows();
  return { rows, ...(await openProcess(rows)) };
}
