import type { Crypto, JsonValue } from '@provability-fabric/kernel';
import type { WatchedKeyRing } from '../keys/watch-key-ring.ts';
import { type VerifiedChange, verifyEnvelope } from './verify-envelope.ts';

/** Verifies under the ring as it is when an envelope comes: a key that was retired a moment ago signs nothing any more. */
export function createGate(parts: { readonly crypto: Crypto; readonly ring: WatchedKeyRing }): {
  verify(envelope: JsonValue): Promise<VerifiedChange>;
} {
  const { crypto, ring } = parts;
  return { verify: async (envelope) => verifyEnvelope({ crypto, ring: await ring.current() }, envelope) };
}
