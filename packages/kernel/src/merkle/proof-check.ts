import { HASH_BYTES } from './hash.ts';

export type ProofCheck = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export const PROVEN: ProofCheck = { ok: true };

export function refuted(reason: string): ProofCheck {
  return { ok: false, reason };
}

/**
 * Proofs come from whoever wants to convince us: their hashes must have the one length before any is hashed.
 */
export function badHash(proof: readonly Uint8Array[]): ProofCheck | undefined {
  const at = proof.findIndex((hash) => hash.length !== HASH_BYTES);
  if (at < 0) return undefined;
  return refuted(`expected proof hashes of 32 bytes, got \`${proof[at]?.length}\` at position ${at}`);
}
