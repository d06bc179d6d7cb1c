import type { Digest, JsonValue } from '@provability-fabric/kernel';
import type { AuditPosition } from '../audit/change-event.ts';
import type { Signer } from '../gate/signer.ts';
import type { KillState } from '../kill-switch/kill-switch.ts';
import type { AutonomyTier, PolicyIdentity } from '../policy/plan.ts';
import type { ProposalStatus } from '../proposal.ts';
import type { SandboxAbility, SandboxResult, SandboxTier } from '../sandbox/sandbox.ts';

/** On whose behalf a use case runs; whether that may be was decided before. */
export interface GovernorCaller {
  readonly principal: string;
  readonly actor: 'api' | 'cli' | 'mcp';
}

export interface ApplyRequest {
  /** A DSSE envelope as JSON. */
  readonly signed_envelope: JsonValue;
  /** Has to be the signed one, where it is given. */
  readonly manifest?: JsonValue;
  /** Has to be the signed one; with it a repeat gets the first answer, without it a repeat is CHANGE_REPLAYED. */
  readonly idempotency_key?: string;
}

/** As `POST /v1/apply` answers it. */
export interface ApplyAnswer {
  readonly success: true;
  readonly manifest_hash: Digest;
  readonly merkle_root: string;
  readonly audit_index: number;
  readonly message: string;
  readonly sandbox_result: SandboxResult | null;
  readonly error: null;
  /** Object id, where the change also landed as a commit. */
  readonly commit: string | null;
}

export interface RollbackRequest {
  readonly manifest_hash?: string;
  readonly audit_index?: number;
}

export interface RollbackAnswer {
  readonly success: true;
  readonly reverted_hash: Digest;
  /** Of the inverse change. */
  readonly manifest_hash: Digest;
  readonly new_merkle_root: string;
  readonly audit_index: number;
  readonly message: string;
  readonly commit: string | null;
}

export interface VerifyAnswer {
  readonly valid: true;
  readonly manifest_hash: Digest;
  readonly targets: readonly string[];
  readonly rationale: string;
  readonly signers: readonly Signer[];
  readonly expires_at: string;
}

export interface GovernorStatus {
  readonly tree: { readonly digest: Digest; readonly files: number };
  /** null with the problem while no policy is in force. */
  readonly policy: (PolicyIdentity & { readonly tier: AutonomyTier; readonly safe_mode: boolean }) | null;
  readonly policy_problem: string | null;
  readonly kill_switch: KillState;
  readonly sandbox: SandboxAbility & { readonly demanded: SandboxTier | null };
  readonly audit: AuditPosition | null;
  readonly can_apply: boolean;
  /** Why not, for people. */
  readonly problems: readonly string[];
}

export interface ProposalAnswer {
  readonly hash: Digest;
  readonly status: ProposalStatus;
  readonly verdict: 'approved' | 'blocked';
  readonly reasons: readonly string[];
  readonly outcome: string | null;
  /** What a person does next, for people. */
  readonly next: string;
}
