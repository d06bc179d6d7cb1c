import { scrypt } from 'node:crypto';
import { KEY_BYTES } from '../embedded/cipher.ts';
import { SecretError } from '../errors.ts';
import type { RootKeySource } from './root-key-source.ts';
import { readSecretFile } from './secret-file.ts';

const SALT_BYTES = 32;
/** log2 of scrypt's N: 128 MiB and about half a second for each guess. */
const LEAST_COST = 17;
/** 1 GiB: who may write to the store must not have us ask for more. */
const MOST_COST = 20;
const [BLOCK_SIZE, PARALLEL] = [8, 1];
const LEAST_PASSPHRASE = 12;
const MOST_PASSPHRASE = 1024;
const LINE_END = 2;
const FORMAT = 1;

/**
 * scrypt (RFC 7914). The parameters on record are `01 ‖ log2 N ‖ salt (32)`. Who may write to the store could lower the
 * cost on record, which is why less than 2^17 is refused. `read` may be called more than once; the bytes that it answers
 * are its own to wipe.
 */
export function rootKeyFromPassphrase(
  read: () => Promise<Uint8Array>,
  options: { readonly costLog2?: number } = {},
): RootKeySource {
  const { costLog2 = LEAST_COST } = options;
  const keyOf = async (salt: Uint8Array, cost: number) =>
    stretch(checkedPassphrase(await read()), salt, cost);
  return {
    kind: 'passphrase',
    make: async (random) => {
      const salt = random(SALT_BYTES);
      const key = await keyOf(salt, costLog2);
      return { key, parameters: Buffer.concat([Uint8Array.of(FORMAT, costLog2), salt]) };
    },
    derive: async (parameters) => {
      const [format, cost] = parameters;
      if (format !== FORMAT || parameters.length !== 2 + SALT_BYTES) return null;
      return keyOf(parameters.subarray(2), cost as number);
    },
  };
}

function checkedPassphrase(content: Uint8Array): Buffer {
  const passphrase = Buffer.from(content).subarray(0, content.length - lineEnd(content));
  if (passphrase.length < LEAST_PASSPHRASE || passphrase.length > MOST_PASSPHRASE)
    throw new SecretError(
      'SECRETS_SEALED',
      `expected a passphrase of ${LEAST_PASSPHRASE} to ${MOST_PASSPHRASE} bytes, got \`${passphrase.length}\``,
    );
  return passphrase;
}

/** The same of a passphrase in a file that is its owner's alone, read anew each time. */
export function rootKeyFromPassphraseFile(path: string): RootKeySource {
  return rootKeyFromPassphrase(() => readSecretFile(path, MOST_PASSPHRASE + LINE_END));
}

/** What an editor or `echo` leaves is no part of it. */
function lineEnd(content: Uint8Array): number {
  if (content.at(-1) !== 0x0a) return 0;
  return content.at(-2) === 0x0d ? 2 : 1;
}

function stretch(passphrase: Buffer, salt: Uint8Array, cost: number): Promise<Uint8Array> {
  if (cost < LEAST_COST || cost > MOST_COST)
    throw new SecretError(
      'SECRETS_SEALED',
      `expected a passphrase's cost from 2^${LEAST_COST} to 2^${MOST_COST}, got \`2^${cost}\``,
    );
  const N = 2 ** cost;
  const limits = { N, r: BLOCK_SIZE, p: PARALLEL, maxmem: 256 * N * BLOCK_SIZE };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, KEY_BYTES, limits, (error, key) => {
      passphrase.fill(0);
      if (error === null) resolve(key);
      else reject(new SecretError('SECRETS_SEALED', 'expected scrypt to run', { cause: error }));
    });
  });
}
