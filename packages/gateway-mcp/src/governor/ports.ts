import type {
  GovernorCaller,
  GovernorStatus,
  PlanResult,
  ProposalAnswer,
} from '@provability-fabric/governor';
import type { JsonValue } from '@provability-fabric/kernel';

/**
 * The use cases that an agent reaches. What it proposes is only put forward: no tool applies anything. Throws GovernorError;
 * `check` throws PROPOSAL_UNKNOWN also for what somebody else has put forward.
 */
export interface ChangeDesk {
  propose(caller: GovernorCaller, manifest: JsonValue): Promise<ProposalAnswer>;
  check(caller: GovernorCaller, hash: string): Promise<ProposalAnswer>;
  plan(caller: GovernorCaller, manifest: JsonValue): Promise<PlanResult>;
  status(): Promise<GovernorStatus>;
}

export type DeskOperation = 'propose' | 'plan' | 'check' | 'status';

/** Who is at the other end of a connection. */
export interface DeskClient {
  readonly caller: GovernorCaller;
  /** What the client's role does not let it do is neither listed nor done. */
  may(operation: DeskOperation): boolean;
}

export interface GovernorMcpOptions {
  readonly desk: ChangeDesk;
  readonly name: string;
  readonly version: string;
  /** What is no GovernorError, for the log; the client gets no word of it. */
  readonly failed: (error: unknown) => void;
}
