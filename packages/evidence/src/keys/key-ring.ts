import type { KeyObject } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type { Crypto, EnvelopeSigner, NoteSigner, NoteVerifier } from '@provability-fabric/kernel';
import { ensureFolder } from '../durable-files.ts';
import { EvidenceError } from '../errors.ts';
import { nodeCrypto } from '../node-crypto.ts';
import {
  activate,
  createKey,
  KEY_PURPOSES,
  type KeyPurpose,
  type PurposeKeys,
  publishVerifier,
  readPurpose,
} from './key-files.ts';

/** What signs capability tokens; `kid` is `token.<id>`. */
export interface TokenKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** The fabric's keys. Signers throw KEY_MISSING where the folder holds no private key of their purpose. */
export interface KeyRing {
  /** Signs checkpoints, under the log's origin. */
  logSigner(): NoteSigner;
  /** Signs statements; its DSSE keyid is `evidence.<id>`. */
  evidenceSigner(): EnvelopeSigner;
  tokenKey(): TokenKey;
  /** Signs the ledger's checkpoints, under `<origin>/ledger`. */
  ledgerSigner(): NoteSigner;
  /** Signs what rotations of secrets tell their targets and dependants; its keyid is `rotation.<id>`. */
  rotationSigner(): EnvelopeSigner;
  /** Active and retired: what checks anything signed so far. */
  logVerifiers(): readonly NoteVerifier[];
  ledgerVerifiers(): readonly NoteVerifier[];
  /** By DSSE keyid. */
  evidenceKeys(): ReadonlyMap<string, Uint8Array>;
  /** By JWT kid. */
  tokenKeys(): ReadonlyMap<string, Uint8Array>;
}

export interface KeyRingOptions {
  /** The log's name; every key carries it. */
  readonly origin: string;
  /**
   * Makes the folder and the keys that are missing; otherwise their absence shows when they are first asked
   * for.
   */
  readonly create: boolean;
  readonly crypto?: Crypto;
}

/**
 * Reads the keys of a folder. Nothing is ever overwritten: a purpose whose keys are all verifiers (the
 * private one was lost or retired) gets a new active key when `create` is set, and the old ones go on
 * verifying.
 */
export async function openKeyRing(directory: string, options: KeyRingOptions): Promise<KeyRing> {
  const crypto = options.crypto ?? nodeCrypto();
  if (options.create) await ensureFolder(directory, 0o700);
  const purposes = new Map<KeyPurpose, PurposeKeys>();
  for (const purpose of KEY_PURPOSES) {
    purposes.set(purpose, await openPurpose(crypto, directory, purpose, options));
  }
  const keysOf = (purpose: KeyPurpose) => purposes.get(purpose) as PurposeKeys;
  const activeOf = (purpose: KeyPurpose) => {
    const { active } = keysOf(purpose);
    if (active !== undefined) return active;
    throw new EvidenceError(
      'KEY_MISSING',
      `expected a private ${purpose} key \`${purpose}.<id>.sk\` in \`${directory}\`, got none; put it back, or ` +
        'start the fabric, which makes the keys that are missing',
    );
  };
  const noteSigner = (purpose: KeyPurpose): NoteSigner => {
    const { verifier, sign } = activeOf(purpose).key;
    return { name: verifier.name, keyHash: verifier.keyHash, sign };
  };
  const publicKeys = (purpose: KeyPurpose) =>
    new Map(
      [...keysOf(purpose).verifiers].map(([id, { publicKey }]) => [`${purpose}.${id}`, publicKey] as const),
    );

  return {
    logSigner: () => noteSigner('log'),
    ledgerSigner: () => noteSigner('ledger'),
    evidenceSigner() {
      const { id, key } = activeOf('evidence');
      return { keyid: `evidence.${id}`, sign: key.sign };
    },
    rotationSigner() {
      const { id, key } = activeOf('rotation');
      return { keyid: `rotation.${id}`, sign: key.sign };
    },
    tokenKey() {
      const { id, key } = activeOf('token');
      return { kid: `token.${id}`, privateKey: key.privateKey };
    },
    logVerifiers: () => [...keysOf('log').verifiers.values()],
    ledgerVerifiers: () => [...keysOf('ledger').verifiers.values()],
    evidenceKeys: () => publicKeys('evidence'),
    tokenKeys: () => publicKeys('token'),
  };
}

/**
 * Makes a new key and lets it sign from the next `openKeyRing` on. The retired `.sk` and `.vk` stay where
 * they are; the private one may be deleted once nothing signs with it.
 */
export async function rotateKey(
  directory: string,
  purpose: KeyPurpose,
  options: { readonly origin: string; readonly crypto?: Crypto },
): Promise<string> {
  const crypto = options.crypto ?? nodeCrypto();
  const { active } = await readPurpose(crypto, directory, purpose, options.origin);
  // First nail down the key that signs now: between the next two steps there are two private keys.
  if (active !== undefined) await activate(directory, purpose, active.id);
  const id = await createKey(crypto, directory, purpose, options.origin);
  await activate(directory, purpose, id);
  return id;
}

async function openPurpose(
  crypto: Crypto,
  directory: string,
  purpose: KeyPurpose,
  { origin, create }: KeyRingOptions,
): Promise<PurposeKeys> {
  const keys = await readPurpose(crypto, directory, purpose, origin);
  if (!create) return keys;
  if (keys.active !== undefined) {
    const { id, key } = keys.active;
    if (!(await readdir(directory)).includes(`${purpose}.${id}.vk`)) {
      await publishVerifier(directory, purpose, id, key.verifier);
    }
    return keys;
  }
  await createKey(crypto, directory, purpose, origin);
  return readPurpose(crypto, directory, purpose, origin);
}
