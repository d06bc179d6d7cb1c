import { ed25519PublicKeyProblem, hex } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import type { SignerRole } from '../gate/signer.ts';

/** A key whose signatures count, or did. */
export interface RingKey {
  readonly keyId: string;
  /** The 32 bytes of RFC 8032. */
  readonly publicKey: Uint8Array;
  readonly role: SignerRole;
  /** Whose it is, for people; at most 255 characters. */
  readonly principal: string | null;
  readonly state: 'active' | 'retired';
  /** The key that took its place. */
  readonly successor: string | null;
  /** ms since 1970. */
  readonly addedAt: number;
  readonly retiredAt: number | null;
}

/** Every key that the governor knows, by its id. */
export interface KeyRing {
  readonly keys: readonly RingKey[];
  get(keyId: string): RingKey | undefined;
}

/**
 * A ring of these keys. Throws KEY_INVALID for a weak key, and for one key under two ids: it would sign for two where the policy
 * asks for two signatures.
 */
export function keyRingOf(keys: readonly RingKey[]): KeyRing {
  const byId = new Map<string, RingKey>();
  const byPublicKey = new Map<string, string>();
  for (const key of keys) {
    const { keyId, publicKey } = key;
    checkPublicKey(keyId, publicKey);
    const other = byPublicKey.get(hex(publicKey));
    if (other !== undefined || byId.has(keyId))
      throw new GovernorError(
        'KEY_INVALID',
        `expected each key once, came \`${keyId}\` and \`${other ?? keyId}\``,
      );
    byId.set(keyId, key);
    byPublicKey.set(hex(publicKey), keyId);
  }
  return { keys: [...byId.values()], get: (keyId) => byId.get(keyId) };
}

export function checkPublicKey(keyId: string, publicKey: Uint8Array): void {
  const problem = ed25519PublicKeyProblem(publicKey);
  if (problem !== undefined) throw new GovernorError('KEY_INVALID', `key \`${keyId}\`: ${problem}`);
}

/** The key that signs for an id: itself, or what took its place. Throws KEY_UNKNOWN. */
export function keyInUse(ring: KeyRing, keyId: string): RingKey {
  const seen = new Set<string>();
  let key = ring.get(keyId);
  while (key?.state === 'retired' && key.successor !== null && !seen.has(key.keyId)) {
    seen.add(key.keyId);
    key = ring.get(key.successor);
  }
  if (key?.state === 'active') return key;
  const came = key === undefined ? 'none of that name' : 'one that is retired';
  throw new GovernorError(
    'KEY_UNKNOWN',
    `expected the id of a key in use, came ${came}; see \`safeai keys list\`, or make one with \`safeai keys generate\``,
  );
}
