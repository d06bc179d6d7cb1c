import type { Digest, JsonValue } from '@provability-fabric/kernel';
import type { Signer } from '../gate/signer.ts';
import type { BoundManifest } from '../manifest/manifest.ts';

/** A manifest whose signatures hold. */
export interface VerifiedManifest {
  readonly manifest: BoundManifest;
  readonly hash: Digest;
  readonly signers: readonly Signer[];
}

/** Keys and envelopes. Throws ENVELOPE_INVALID, SIGNATURE_INVALID, MANIFEST_INVALID. */
export interface Gate {
  verify(envelope: JsonValue): Promise<VerifiedManifest>;
}
