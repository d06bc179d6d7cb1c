import { type Crypto, digestJson, type JsonValue, parseJson } from '@provability-fabric/kernel';
import { z } from 'zod';
import { GovernorError } from '../errors.ts';
import type { Proposal } from '../proposal.ts';
import { MOST_PROPOSAL_BYTES } from './bounds.ts';

const DIGEST = z.string().regex(/^[0-9a-f]{64}$/);

/** What is listed and compared; the manifest is held to its hash, and the envelope to its keys where it is applied. */
const STORED = z.object({
  hash: DIGEST,
  manifest: z.looseObject({ expires_at: z.string(), idempotency_key: z.string() }),
  envelope: z
    .object({
      payloadType: z.string(),
      payload: z.string(),
      signatures: z.array(z.object({ keyid: z.string(), sig: z.string() })),
    })
    .nullable(),
  proposer: z.string(),
  at: z.number(),
  plan: z.looseObject({ verdict: z.enum(['approved', 'blocked']), reasons: z.array(z.string()) }),
  status: z.enum(['open', 'applied', 'refused', 'expired']),
  outcome: z.string().nullable(),
});

/** For a store. Throws MANIFEST_INVALID for what is too large to be kept. */
export function encodeProposal(proposal: Proposal): string {
  const text = JSON.stringify(proposal);
  const bytes = Buffer.byteLength(text);
  if (bytes <= MOST_PROPOSAL_BYTES) return text;
  throw new GovernorError(
    'MANIFEST_INVALID',
    `expected a proposal of at most ${MOST_PROPOSAL_BYTES} bytes with its plan, came \`${bytes}\`; split the change`,
  );
}

/** Undefined for what no store has written, or somebody has changed since. */
export function decodeProposal(crypto: Crypto, text: string): Proposal | undefined {
  try {
    const value = parseJson(text);
    const { manifest, hash } = STORED.parse(value);
    if (digestJson(crypto, manifest as JsonValue) !== hash) return undefined;
    return value as unknown as Proposal;
  } catch {
    return undefined;
  }
}
