import type {
  ApplyAnswer,
  ApplyRequest,
  GovernorCaller,
  GovernorStatus,
  KillState,
  PlanResult,
  Proposal,
  ProposalAnswer,
  ProposalStatus,
  RollbackAnswer,
  RollbackRequest,
  VerifyAnswer,
} from '@provability-fabric/governor';
import type { Digest, JsonValue } from '@provability-fabric/kernel';

/** The whole audit looked through: the chain, its signatures, and how far the file lags behind the ledger. */
export interface AuditVerdict {
  readonly valid: boolean;
  readonly error: string | null;
  readonly current_root: string | null;
  readonly behind: number;
}

/**
 * The use cases that these routes call. Whether a role opens a door is decided before, in `access.ts`; everything else is
 * decided here. Throws GovernorError, and ChangeRefused for a change or rollback about which more is known.
 */
export interface GovernorUseCases {
  verify(caller: GovernorCaller, envelope: JsonValue): Promise<VerifyAnswer>;
  plan(caller: GovernorCaller, manifest: JsonValue): Promise<PlanResult>;
  apply(caller: GovernorCaller, request: ApplyRequest): Promise<ApplyAnswer>;
  rollback(caller: GovernorCaller, request: RollbackRequest): Promise<RollbackAnswer>;
  /** The last records, oldest first, each plain data. */
  auditLast(count: number): Promise<readonly object[]>;
  auditVerify(): Promise<AuditVerdict>;
  status(): Promise<GovernorStatus>;
  propose(caller: GovernorCaller, manifest: JsonValue): Promise<ProposalAnswer>;
  /** Newest first. */
  proposals(query: {
    readonly status?: ProposalStatus;
    readonly limit: number;
  }): Promise<readonly Proposal[]>;
  /** Throws PROPOSAL_UNKNOWN. */
  proposal(hash: Digest): Promise<Proposal>;
  approve(caller: GovernorCaller, hash: Digest, envelope: JsonValue): Promise<ApplyAnswer>;
  kill(caller: GovernorCaller, reason: string): Promise<KillState>;
  revive(caller: GovernorCaller, reason: string): Promise<KillState>;
}
