import type {
  ApplyAnswer,
  BoundManifest,
  GovernorStatus,
  KillState,
  PlanResult,
  ProposalAnswer,
  RollbackAnswer,
  VerifyAnswer,
} from '@provability-fabric/governor';
import {
  type Digest,
  type Envelope,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '@provability-fabric/kernel';
import { z } from 'zod';
import type { RefusedFacts } from './governor-refused.ts';
import type { ListedProposal, ShownProposal } from './proposals.ts';

// What the governor may answer. Members that are not named here are a newer service's, and are left alone.

const object = z.custom<JsonObject>((value) => isJsonObject(value as JsonValue));
const digest = z.custom<Digest>((value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value));
const text = z.string().max(4096);
const path = z.string().max(16_384);
const index = z.int().nonnegative();
const root = z.string().regex(/^[0-9a-f]{64}$/);
const texts = z.array(z.string().max(16_384)).max(10_000);

const signer = z.looseObject({ keyId: z.string().max(255), role: z.enum(['human', 'agent', 'service']) });
const tier = z.enum(['none', 'rlimits', 'cgroups']);
const sandboxResult = z.looseObject({
  rc: z.int(),
  stdout: z.string(),
  stderr: z.string(),
  duration_ms: z.number(),
  timed_out: z.boolean(),
  end: z.enum(['exited', 'timed-out', 'output-limit', 'disk-limit', 'memory-limit', 'killed']),
  commands: index,
  stdout_bytes: index,
  stderr_bytes: index,
  tier,
  engine: text,
});

const policy = { digest, version: z.int().min(1) };

export const verifyShape: z.ZodType<VerifyAnswer> = z.looseObject({
  valid: z.literal(true),
  manifest_hash: digest,
  targets: z.array(path).max(10_000),
  rationale: text,
  signers: z.array(signer).max(64),
  expires_at: z.string().max(64),
});

export const planShape: z.ZodType<PlanResult> = z.looseObject({
  verdict: z.enum(['approved', 'blocked']),
  reasons: texts,
  blocked_paths: texts,
  blocked_patterns: texts,
  rules: z
    .array(
      z.looseObject({
        rule: text,
        verdict: z.enum(['passed', 'blocked', 'not-applicable']),
        detail: z.string().max(65_536),
        paths: texts,
      }),
    )
    .max(10_000),
  policy: z.looseObject(policy),
});

export const applyShape: z.ZodType<ApplyAnswer> = z.looseObject({
  success: z.literal(true),
  manifest_hash: digest,
  merkle_root: root,
  audit_index: index,
  message: text,
  sandbox_result: sandboxResult.nullable(),
  error: z.null(),
  commit: z.string().max(128).nullable(),
});

export const rollbackShape: z.ZodType<RollbackAnswer> = z.looseObject({
  success: z.literal(true),
  reverted_hash: digest,
  manifest_hash: digest,
  new_merkle_root: root,
  audit_index: index,
  message: text,
  commit: z.string().max(128).nullable(),
});

export const killShape: z.ZodType<KillState> = z.looseObject({
  active: z.boolean(),
  env_enabled: z.boolean(),
  sentinel_exists: z.boolean(),
  reason: text.nullable(),
  sources: z.array(text).max(16),
});

export const statusShape: z.ZodType<GovernorStatus> = z.looseObject({
  tree: z.looseObject({ digest, files: index }),
  policy: z
    .looseObject({ ...policy, tier: z.enum(['alpha', 'beta', 'stable']), safe_mode: z.boolean() })
    .nullable(),
  policy_problem: text.nullable(),
  kill_switch: killShape,
  sandbox: z.looseObject({ tier, engine: text, missing: texts, demanded: tier.nullable() }),
  audit: z.looseObject({ index, merkle_root: root }).nullable(),
  can_apply: z.boolean(),
  problems: texts,
});

export const proposalAnswerShape: z.ZodType<ProposalAnswer> = z.looseObject({
  hash: digest,
  status: z.enum(['open', 'applied', 'refused', 'expired']),
  verdict: z.enum(['approved', 'blocked']),
  reasons: texts,
  outcome: text.nullable(),
  next: text,
});

const summary = {
  hash: digest,
  status: z.enum(['open', 'applied', 'refused', 'expired']),
  outcome: text.nullable(),
  proposer: text,
  proposed_at: z.string().max(64),
  expires_at: z.string().max(64),
  targets: z.array(path).max(10_000),
  rationale: text,
  verdict: z.enum(['approved', 'blocked']),
  reasons: texts,
};

export const listedProposalsShape: z.ZodType<readonly ListedProposal[]> = z
  .array(z.looseObject(summary))
  .max(10_000);

/** Manifest and envelope are checked by whoever uses them: a signature counts, not what the service says of it. */
export const proposalShape: z.ZodType<ShownProposal> = z.looseObject({
  ...summary,
  manifest: object as unknown as z.ZodType<BoundManifest>,
  signed_envelope: object.nullable() as unknown as z.ZodType<Envelope | null>,
  plan: planShape,
});

export const auditShape = z.looseObject({ count: index, records: z.array(object).max(100_000) });

export const auditVerdictShape = z.looseObject({
  valid: z.boolean(),
  error: z.string().max(16_384).nullable(),
  current_root: root.nullable(),
  behind: index,
  problems: texts.optional().default([]),
});

/** As far as it is there: what is missing or odd is left out, since the refusal itself stands. */
export const refusedShape: z.ZodType<RefusedFacts> = z
  .looseObject({
    manifest_hash: digest.nullable().catch(null),
    reasons: texts.catch([]),
    sandbox_result: z
      .looseObject({ rc: z.int(), stdout: z.string(), stderr: z.string(), timed_out: z.boolean() })
      .nullable()
      .catch(null),
  })
  .transform(({ manifest_hash, reasons, sandbox_result }) => ({
    manifest: manifest_hash,
    reasons,
    sandbox: sandbox_result,
  }));
