import { asDigest, type Digest, type JsonValue } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import type { ChangeManifest } from '../manifest/manifest.ts';
import { parseManifest } from '../manifest/parse-manifest.ts';
import type { PlanResult } from '../policy/plan.ts';
import { askPolicy } from './ask-policy.ts';
import { changesInTree } from './changes-in-tree.ts';
import { type PolicyInForce, policyInForce } from './policy-in-force.ts';
import type { GovernorParts } from './ports.ts';

/** What the policy says of a change of the tree as it is, before anybody signs it. Changes nothing, not even the record. */
export async function planChange(parts: GovernorParts, manifest: ChangeManifest): Promise<PlanResult> {
  await parts.record.catchUp();
  const inForce = await policyInForce(parts.policies, parts.record);
  return planUnder(parts, inForce, manifest);
}

export async function planUnder(
  parts: GovernorParts,
  inForce: PolicyInForce,
  manifest: ChangeManifest,
): Promise<PlanResult> {
  const changes = await changesInTree(parts, manifest);
  return askPolicy(parts, inForce, { manifest, changes, signers: [], purpose: 'plan' });
}

/** The manifest in a request, bound or not: what a signature would add decides nothing of a plan. */
export function manifestOf(value: JsonValue): ChangeManifest {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return parseManifest(value);
  const {
    base_tree: _base,
    policy: _policy,
    expires_at: _expires,
    idempotency_key: _key,
    ...rest
  } = value as Record<string, JsonValue>;
  return parseManifest(rest);
}

export function digestOfHash(hash: string): Digest {
  if (/^[0-9a-f]{64}$/.test(hash)) return asDigest(hash);
  throw new GovernorError('PROPOSAL_UNKNOWN', 'expected the hash of a proposal: 64 hex digits');
}
