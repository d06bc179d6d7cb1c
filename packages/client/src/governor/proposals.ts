import type { BoundManifest, PlanResult, ProposalStatus } from '@provability-fabric/governor';
import type { Digest, Envelope } from '@provability-fabric/kernel';

/** A proposed change in a list: enough to choose from, without its text. */
export interface ListedProposal {
  readonly hash: Digest;
  readonly status: ProposalStatus;
  /** What became of it; null while open. */
  readonly outcome: string | null;
  readonly proposer: string;
  /** RFC 3339. */
  readonly proposed_at: string;
  readonly expires_at: string;
  readonly targets: readonly string[];
  readonly rationale: string;
  readonly verdict: 'approved' | 'blocked';
  readonly reasons: readonly string[];
}

/** With everything that a person looks at before they sign. */
export interface ShownProposal extends ListedProposal {
  readonly manifest: BoundManifest;
  /** null until somebody signed. */
  readonly signed_envelope: Envelope | null;
  readonly plan: PlanResult;
}

export interface ProposalQuery {
  /** Absent: of all. */
  readonly status?: ProposalStatus;
  /** 1 to 200. */
  readonly limit: number;
}
