import type { ListedProposal, ProposalQuery, ShownProposal } from '@provability-fabric/client';
import type {
  Governance as FolderGovernance,
  LocalGovernor as FolderGovernor,
  LocalPlace,
} from '@provability-fabric/fabric';
import type {
  ApplyAnswer,
  ApplyRequest,
  AuditVerification,
  GovernorStatus,
  KillState,
  PlanResult,
  RollbackAnswer,
  RollbackRequest,
} from '@provability-fabric/governor';
import type { Digest, JsonValue } from '@provability-fabric/kernel';

/** What `audit --verify` found; a service does not say how many records it looked at. */
export type AuditFinding = Omit<AuditVerification, 'records'>;

/** What any governor does for the command line: the one in a data folder, or a service somewhere. */
export interface Desk {
  plan(manifest: JsonValue): Promise<PlanResult>;
  apply(request: ApplyRequest): Promise<ApplyAnswer>;
  rollback(request: RollbackRequest): Promise<RollbackAnswer>;
  auditVerify(): Promise<AuditFinding>;
  status(): Promise<GovernorStatus>;
  proposals(query: ProposalQuery): Promise<readonly ListedProposal[]>;
  proposal(hash: Digest): Promise<ShownProposal>;
  approve(hash: Digest, envelope: JsonValue): Promise<ApplyAnswer>;
  close(): Promise<void>;
}

/** What stops and revives every governor of a tree. */
export interface KillDesk {
  state(): Promise<KillState>;
  kill(reason: string): Promise<KillState>;
  revive(reason: string): Promise<KillState>;
  close(): Promise<void>;
}

/** Of the governor in a data folder, what commands need; each use case says on whose behalf. */
export interface LocalGovernor
  extends Pick<
    FolderGovernor,
    'plan' | 'apply' | 'rollback' | 'status' | 'proposals' | 'proposal' | 'approve' | 'close'
  > {
  auditVerify(): Promise<AuditFinding>;
}

/** What the composition root offers for a data folder. */
export interface Governance extends Omit<FolderGovernance, 'open'> {
  /** `change` takes the folder and refuses while a service has it; `look` writes nothing and works beside one. */
  open(place: LocalPlace, use: 'change' | 'look'): Promise<LocalGovernor>;
}
