import type { Proposal } from '@provability-fabric/governor';
import type { JsonObject, JsonValue } from '@provability-fabric/kernel';
import { formatInstant } from '@provability-fabric/policy';

/** Plain data of the governor as JSON; members that are undefined are left out. */
export function asJson(value: unknown): JsonValue {
  if (value === null || typeof value !== 'object') return value as JsonValue;
  if (Array.isArray(value)) return value.map(asJson);
  return asObject(value);
}

export function asObject(value: object): JsonObject {
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, asJson(member)]));
}

/** In a list: enough to choose from, without the text of the change. */
export function renderedSummary({ hash, manifest, proposer, at, plan, status, outcome }: Proposal) {
  const { targets, rationale, expires_at } = manifest;
  return {
    hash,
    status,
    outcome,
    proposer,
    proposed_at: formatInstant(at),
    expires_at,
    targets: [...targets],
    rationale,
    verdict: plan.verdict,
    reasons: [...plan.reasons],
  };
}

/** With everything that a person looks at before they sign. */
export function renderedProposal(proposal: Proposal): JsonObject {
  const { manifest, envelope, plan } = proposal;
  return {
    ...renderedSummary(proposal),
    manifest: asJson(manifest),
    signed_envelope: asJson(envelope),
    plan: asJson(plan),
  };
}
