import {
  generateKey,
  importKey,
  listKeys,
  openKeyRing,
  retireKey,
  rotateKey,
  type SignerRole,
} from '@provability-fabric/governor';
import { base64 } from '@provability-fabric/kernel';
import type { Terminal } from '../terminal.ts';

interface Wanted {
  readonly keyId: string;
  readonly role: SignerRole;
  readonly principal?: string | undefined;
}

/** Answers whether a key was made: with `ifMissing` one of that id may be there, and stays as it is. */
export async function generate(
  folder: string,
  wanted: Wanted,
  ifMissing: boolean,
  terminal: Terminal,
): Promise<boolean> {
  const { keyId } = wanted;
  if (ifMissing && (await openKeyRing(folder)).get(keyId) !== undefined) return false;
  try {
    await generateKey(folder, named(wanted), terminal);
    return true;
  } catch (error) {
    // Another init container may have been quicker.
    if (ifMissing && (await openKeyRing(folder)).get(keyId) !== undefined) return false;
    throw error;
  }
}

export interface ShownKey {
  readonly key_id: string;
  readonly role: SignerRole;
  readonly principal: string | null;
  readonly state: 'active' | 'retired';
  readonly successor: string | null;
  /** Whether its private key is here. */
  readonly signs: boolean;
  readonly public_key: string;
  readonly added_at: string;
}

export async function shownKeys(folder: string): Promise<readonly ShownKey[]> {
  return (await listKeys(folder)).map((key) => ({
    key_id: key.keyId,
    role: key.role,
    principal: key.principal,
    state: key.state,
    successor: key.successor,
    signs: key.signs,
    public_key: base64(key.publicKey),
    added_at: new Date(key.addedAt).toISOString(),
  }));
}

export async function rotate(
  folder: string,
  keyId: string,
  terminal: Terminal,
): Promise<{ readonly retired: string; readonly fresh: string }> {
  const { retired, key } = await rotateKey(folder, keyId, terminal);
  return { retired, fresh: key.keyId };
}

export async function retire(folder: string, keyId: string, terminal: Terminal): Promise<string> {
  return (await retireKey(folder, keyId, terminal)).keyId;
}

export async function addPublicKey(
  folder: string,
  wanted: Wanted & { readonly text: string },
  terminal: Terminal,
): Promise<void> {
  await importKey(folder, { ...named(wanted), text: wanted.text }, terminal);
}

function named({ keyId, role, principal }: Wanted) {
  return { keyId, role, ...(principal === undefined ? {} : { principal }) };
}
