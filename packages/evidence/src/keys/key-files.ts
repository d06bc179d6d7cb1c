// `<purpose>.<id>.sk` (0600) and `.vk`, and `<purpose>.active` where several private keys are at hand.
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Crypto,
  formatVerifierKey,
  NoteError,
  type NoteVerifier,
  parseVerifierKey,
  utf8,
} from '@provability-fabric/kernel';
import { createFile, replaceFile, syncFolder } from '../durable-files.ts';
import { EvidenceError, hasSystemCode } from '../errors.ts';
import { readSecretFile } from './secret-file.ts';
import { formatSigningKey, parseSigningKey, type SigningKey, signingKeyFromSeed } from './signing-key.ts';

export type KeyPurpose = 'log' | 'evidence' | 'token' | 'ledger' | 'rotation';

export const KEY_PURPOSES: readonly KeyPurpose[] = ['log', 'evidence', 'token', 'ledger', 'rotation'];

/** Every key of one purpose: those that verify, and the one that signs, if there is one. */
export interface PurposeKeys {
  readonly verifiers: ReadonlyMap<string, NoteVerifier>;
  readonly active: { readonly id: string; readonly key: SigningKey } | undefined;
}

const ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The name that keys of a purpose sign under. A checkpoint's key bears the log's origin (C2SP tlog-
 * checkpoint).
 */
function keyName(origin: string, purpose: KeyPurpose): string {
  return purpose === 'log' ? origin : `${origin}/${purpose}`;
}

/**
 * The keys of a purpose, retired ones included. Weak keys, mixed-up files and loose permissions are refused
 * by name.
 */
export async function readPurpose(
  crypto: Crypto,
  directory: string,
  purpose: KeyPurpose,
  origin: string,
): Promise<PurposeKeys> {
  const names = await readdir(directory).catch(noneIfMissing);
  const name = keyName(origin, purpose);
  const verifiers = new Map<string, NoteVerifier>();
  for (const id of idsOf(names, purpose, 'vk')) {
    const path = join(directory, `${purpose}.${id}.vk`);
    const text = (await readFile(path, 'utf8')).trim();
    verifiers.set(
      id,
      requireName(
        path,
        name,
        inFile(path, () => parseVerifierKey(crypto, text)),
      ),
    );
  }
  const id = await activeId(directory, names, purpose);
  if (id === undefined) return { verifiers, active: undefined };

  const path = join(directory, `${purpose}.${id}.sk`);
  const text = await readSecretFile(path);
  const key = inFile(path, () => parseSigningKey(crypto, text));
  requireName(path, name, key.verifier);
  const published = verifiers.get(id);
  if (published !== undefined && formatVerifierKey(published) !== formatVerifierKey(key.verifier)) {
    throw new EvidenceError(
      'KEY_MALFORMED',
      `expected \`${path}\` and its .vk to be one key pair, got two keys; put back the files as they were made`,
    );
  }
  verifiers.set(id, key.verifier);
  return { verifiers, active: { id, key } };
}

/**
 * Makes a key pair, durable before it returns. The id is the key's own hash, so that no two keys ever share
 * one.
 */
export async function createKey(
  crypto: Crypto,
  directory: string,
  purpose: KeyPurpose,
  origin: string,
): Promise<string> {
  const seed = randomBytes(32);
  const { verifier } = signingKeyFromSeed(crypto, keyName(origin, purpose), seed);
  const id = verifier.keyHash.toString(16).padStart(8, '0');
  await createFile(
    join(directory, `${purpose}.${id}.sk`),
    utf8(`${formatSigningKey(verifier, seed)}\n`),
    0o600,
  );
  await publishVerifier(directory, purpose, id, verifier);
  return id;
}

/** Writes the `.vk` of a key that has none: also after a crash between the two files. */
export async function publishVerifier(
  directory: string,
  purpose: KeyPurpose,
  id: string,
  verifier: NoteVerifier,
): Promise<void> {
  try {
    const text = utf8(`${formatVerifierKey(verifier)}\n`);
    await createFile(join(directory, `${purpose}.${id}.vk`), text, 0o644);
  } catch (error) {
    if (!hasSystemCode(error, 'EEXIST')) throw error;
  }
}

/** Says which private key signs from now on. */
export async function activate(directory: string, purpose: KeyPurpose, id: string): Promise<void> {
  await replaceFile(join(directory, `${purpose}.active`), utf8(`${id}\n`));
  await syncFolder(directory);
}

function idsOf(names: readonly string[], purpose: KeyPurpose, extension: 'sk' | 'vk'): string[] {
  const [start, end] = [`${purpose}.`, `.${extension}`];
  return names
    .filter((name) => name.startsWith(start) && name.endsWith(end))
    .map((name) => name.slice(start.length, -end.length))
    .filter((id) => ID.test(id))
    .sort();
}

async function activeId(
  directory: string,
  names: readonly string[],
  purpose: KeyPurpose,
): Promise<string | undefined> {
  const ids = idsOf(names, purpose, 'sk');
  const path = join(directory, `${purpose}.active`);
  if (names.includes(`${purpose}.active`)) {
    const id = (await readFile(path, 'utf8')).trim();
    if (ids.includes(id)) return id;
    throw new EvidenceError(
      'KEY_MISSING',
      `expected \`${path}\` to name one of the private keys beside it; put its .sk back or name another`,
    );
  }
  if (ids.length > 1) {
    throw new EvidenceError(
      'KEY_MALFORMED',
      `expected one ${purpose} key in \`${directory}\`, got \`${ids.join(', ')}\`; write the id that signs ` +
        `into \`${path}\``,
    );
  }
  return ids[0];
}

function noneIfMissing(error: unknown): string[] {
  if (hasSystemCode(error, 'ENOENT')) return [];
  throw error;
}

function requireName(path: string, name: string, verifier: NoteVerifier): NoteVerifier {
  if (verifier.name === name) return verifier;
  throw new EvidenceError(
    'KEY_MALFORMED',
    `expected the key in \`${path}\` to be named \`${name}\`, got \`${verifier.name}\`; it belongs to another log`,
  );
}

function inFile<Value>(path: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof NoteError || error instanceof EvidenceError)) throw error;
    throw new EvidenceError('KEY_MALFORMED', `key file \`${path}\`: ${error.message}`, { cause: error });
  }
}
