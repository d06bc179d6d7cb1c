import { base64, type Envelope, preAuthEncoding } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import { keyidOf } from '../keys/key-id.ts';
import { type BoundManifest, MANIFEST_PAYLOAD_TYPE } from '../manifest/manifest.ts';
import { manifestBytes } from '../manifest/parse-manifest.ts';
import type { AsyncSigner } from './ports.ts';
import { manifestOfPayload, payloadOf } from './read-envelope.ts';

const SIGNATURE_BYTES = 64;

/** An envelope over a manifest's canonical bytes. Without signers it waits for `addSignature`, and nothing takes it yet. */
export async function signManifest(
  manifest: BoundManifest,
  signers: readonly AsyncSigner[],
): Promise<Envelope> {
  let envelope: Envelope = {
    payloadType: MANIFEST_PAYLOAD_TYPE,
    payload: base64(manifestBytes(manifest)),
    signatures: [],
  };
  for (const signer of signers) envelope = await addSignature(envelope, signer);
  return envelope;
}

/**
 * The envelope with one more signature; an earlier one by the same key is replaced. Only what can be applied is signed: throws
 * ENVELOPE_INVALID, MANIFEST_INVALID.
 */
export async function addSignature(envelope: Envelope, signer: AsyncSigner): Promise<Envelope> {
  if (envelope.payloadType !== MANIFEST_PAYLOAD_TYPE)
    throw new GovernorError(
      'ENVELOPE_INVALID',
      `expected the payload type \`${MANIFEST_PAYLOAD_TYPE}\`, came another`,
    );
  const payload = payloadOf(envelope);
  manifestOfPayload(payload);
  const signature = await signer.sign(preAuthEncoding(envelope.payloadType, payload));
  if (signature.length !== SIGNATURE_BYTES)
    throw new GovernorError('KEY_INVALID', `expected an Ed25519 signature by \`${signer.keyId}\``);
  const keyid = keyidOf(signer.keyId);
  const others = envelope.signatures.filter((other) => other.keyid !== keyid);
  return { ...envelope, signatures: [...others, { keyid, sig: base64(signature) }] };
}
