import { createHash, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '@provability-fabric/kernel';
import { onTestFinished } from 'vitest';
import type { KeyMaking } from './change-ring.ts';
import { fileSigner } from './file-signer.ts';
import { generateKey } from './generate-key.ts';
import { publicKeyObject } from './key-pair.ts';

export const NOW = Date.parse('2026-11-22T12:00:00Z');

/** A folder for keys that is gone when the test is. */
export async function keyFolder(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'governor-keys-'));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  return join(parent, 'keys');
}

/** Keys that are the same on every run, and differ within one; all made in the same millisecond. */
export function making(name = 'keys'): KeyMaking {
  let count = 0;
  return {
    now: () => NOW,
    random: (length) =>
      new Uint8Array(createHash('sha256').update(`${name} ${count++}`).digest().subarray(0, length)),
  };
}

/** A folder with the key `default` of a person. */
export async function folderWithKey(): Promise<{ readonly folder: string; readonly maker: KeyMaking }> {
  const folder = await keyFolder();
  const maker = making(folder);
  await generateKey(folder, { keyId: 'default', role: 'human' }, maker);
  return { folder, maker };
}

export function textOf(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8');
}

/** Which key signs for an id; false where what it signs does not hold. */
export async function signs(folder: string, id: string): Promise<string | false> {
  const signer = await fileSigner(folder, id);
  const message = utf8('message');
  const holds = verify(null, message, publicKeyObject(signer.publicKey), await signer.sign(message));
  return holds && signer.keyId;
}

export function randomPublicKey(): Uint8Array {
  const { publicKey } = generateKeyPairSync('ed25519');
  return new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
}
