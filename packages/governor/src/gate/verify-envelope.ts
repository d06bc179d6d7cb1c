import {
  type Crypto,
  type Digest,
  digestOf,
  type Envelope,
  fromBase64,
  type JsonValue,
  preAuthEncoding,
  verifySignature,
} from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import { keyIdOf } from '../keys/key-id.ts';
import type { KeyRing, RingKey } from '../keys/ring.ts';
import type { BoundManifest } from '../manifest/manifest.ts';
import { manifestOfPayload, payloadOf, readEnvelope } from './read-envelope.ts';
import type { Signer } from './signer.ts';

/** A manifest whose signatures hold: by whom, each key once, and over which bytes. */
export interface VerifiedChange {
  readonly manifest: BoundManifest;
  readonly hash: Digest;
  readonly signers: readonly Signer[];
  readonly bytes: Uint8Array;
}

/**
 * Form, then signatures, then what was signed: nothing of a payload is read that no known key stands for. Throws ENVELOPE_INVALID,
 * SIGNATURE_INVALID, MANIFEST_INVALID.
 */
export function verifyEnvelope(
  { crypto, ring }: { readonly crypto: Crypto; readonly ring: KeyRing },
  value: JsonValue,
): VerifiedChange {
  const envelope = readEnvelope(value);
  const bytes = payloadOf(envelope);
  const signers = signersOf(crypto, ring, envelope, bytes);
  return { manifest: manifestOfPayload(bytes), hash: digestOf(crypto, bytes), signers, bytes };
}

/** The keyid is a hint that nobody signed: it only says which key to try. */
function signersOf(
  crypto: Crypto,
  ring: KeyRing,
  envelope: Envelope,
  payload: Uint8Array,
): readonly Signer[] {
  const message = preAuthEncoding(envelope.payloadType, payload);
  const signers = new Map<string, Signer>();
  for (const { keyid, sig } of envelope.signatures) {
    const key = keyOf(ring, keyid);
    // Whoever is not in the ring is no signer; that somebody else also signed harms nothing.
    if (key === undefined) continue;
    if (!verifySignature(crypto, key.publicKey, message, fromBase64(sig)))
      throw invalid(`expected a signature by \`${keyid}\` over this payload, came one that does not hold`);
    if (key.state === 'retired') throw retired(key);
    signers.set(key.keyId, { keyId: key.keyId, role: key.role });
  }
  if (signers.size === 0)
    throw invalid('expected a signature by a key of the ring, came none; see `safeai keys list`');
  return [...signers.values()];
}

function keyOf(ring: KeyRing, keyid: string): RingKey | undefined {
  const keyId = keyIdOf(keyid);
  return keyId === undefined ? undefined : ring.get(keyId);
}

function retired({ keyId, successor }: RingKey): GovernorError {
  const mend = successor === null ? 'sign with another key' : `sign with \`${successor}\``;
  return invalid(`expected signatures by keys in use, came one by \`${keyId}\`, which is retired; ${mend}`);
}

function invalid(message: string): GovernorError {
  return new GovernorError('SIGNATURE_INVALID', message);
}
