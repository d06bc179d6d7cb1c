import { ChangeRefused, type GovernorError } from '@provability-fabric/governor';
import type { JsonObject } from '@provability-fabric/kernel';
import { asJson } from './rendering.ts';

/**
 * What a client is told about a refused change beside code and message. The tests' output is the caller's own: it is told to
 * them here and is nowhere on record.
 */
export function membersOf(error: GovernorError): JsonObject {
  if (!(error instanceof ChangeRefused)) return {};
  const { manifest, plan, sandbox, position } = error.facts;
  return {
    success: false,
    error: error.message,
    ...(manifest !== null && { manifest_hash: manifest }),
    ...(plan !== null && {
      verdict: plan.verdict,
      reasons: [...plan.reasons],
      blocked_paths: [...plan.blocked_paths],
      blocked_patterns: [...plan.blocked_patterns],
    }),
    ...(sandbox !== null && { sandbox_result: asJson(sandbox) }),
    ...(position !== null && { audit_index: position.index, merkle_root: position.merkle_root }),
  };
}
