import type { ListedProposal, ProposalQuery, ShownProposal } from '@provability-fabric/client';
import type {
  ApplyAnswer,
  ApplyRequest,
  GovernorCaller,
  GovernorStatus,
  KillState,
  PlanResult,
  Proposal,
  RestoredAudit,
  RollbackAnswer,
  RollbackRequest,
} from '@provability-fabric/governor';
import type { Digest, JsonValue } from '@provability-fabric/kernel';

/** Where the things of a governor are. All paths are absolute. */
export interface LocalPlace {
  readonly dataDir: string;
  readonly keysDir: string;
  readonly projectRoot: string;
  /** null: nobody said; where a container has it mounted, else `config/policy.yaml`. */
  readonly policyFile: string | null;
}

/** What `audit --verify` found. `behind`: how many records the ledger has and the file lacks. */
export interface AuditFinding {
  readonly valid: boolean;
  readonly error: string | null;
  readonly current_root: string | null;
  readonly behind: number;
  /** The first of them is `error`. */
  readonly problems: readonly string[];
}

/** A policy file as it compiles; `version` is null where nothing of it is in force or on record. */
export interface PolicyView {
  readonly digest: Digest;
  readonly version: number | null;
  readonly tier: string;
  readonly safe_mode: boolean;
  /** What the settings say in the engine's words, and the clauses of one's own. */
  readonly cedar: string;
}

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

/** The use cases as the governor itself offers them: each says on whose behalf. */
export interface LocalGovernor {
  plan(caller: GovernorCaller, manifest: JsonValue): Promise<PlanResult>;
  apply(caller: GovernorCaller, request: ApplyRequest): Promise<ApplyAnswer>;
  rollback(caller: GovernorCaller, request: RollbackRequest): Promise<RollbackAnswer>;
  auditVerify(): Promise<AuditFinding>;
  status(): Promise<GovernorStatus>;
  proposals(query: ProposalQuery): Promise<readonly Proposal[]>;
  proposal(hash: Digest): Promise<Proposal>;
  approve(caller: GovernorCaller, hash: Digest, envelope: JsonValue): Promise<ApplyAnswer>;
  close(): Promise<void>;
}

/** A kill switch by the folder and the shared places alone, whoever else works there. */
export interface LocalKillSwitch {
  state(): KillState;
  kill(order: { readonly reason: string; readonly by: string; readonly at: number }): Promise<void>;
  revive(order: { readonly reason: string; readonly by: string; readonly at: number }): Promise<void>;
  close(): Promise<void>;
}

/**
 * What the composition root offers for a data folder. `change` takes the folder for itself and refuses while a service has it;
 * `look` writes nothing and works beside a running service.
 */
export interface Governance {
  open(place: LocalPlace, use: 'change' | 'look'): Promise<LocalGovernor>;
  openKillSwitch(place: LocalPlace): Promise<LocalKillSwitch>;
  readPolicy(place: LocalPlace): Promise<PolicyView>;
  restoreAudit(place: LocalPlace, caller: GovernorCaller, file: string): Promise<RestoredAudit>;
  issueToken(
    place: LocalPlace,
    wish: { readonly subject: string; readonly role: string; readonly lifetimeMs: number },
  ): Promise<{ readonly token: string; readonly id: string; readonly expiresAt: number }>;
  /** Speaks MCP over standard input and output until they close or the signal says so. */
  serveMcp(place: LocalPlace, caller: GovernorCaller, signal: AbortSignal): Promise<void>;
}
