import { nodeCrypto } from '@provability-fabric/evidence';
import { checkBinding, openKeyRing, type VerifyAnswer, verifyEnvelope } from '@provability-fabric/governor';
import type { JsonValue } from '@provability-fabric/kernel';

/** With the keys of a folder alone: no governor, tree or policy is needed to say who signed. */
export async function verifyHere(keysDir: string, envelope: JsonValue, now: number): Promise<VerifyAnswer> {
  const ring = await openKeyRing(keysDir);
  const { manifest, hash, signers } = verifyEnvelope({ crypto: nodeCrypto(), ring }, envelope);
  checkBinding(manifest, { now });
  const { targets, rationale, expires_at } = manifest;
  return { valid: true, manifest_hash: hash, targets, rationale, signers, expires_at };
}
