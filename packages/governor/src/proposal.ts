import type { Digest, Envelope } from '@provability-fabric/kernel';
import type { BoundManifest } from './manifest/manifest.ts';
import type { PlanResult } from './policy/plan.ts';

export type ProposalStatus = 'open' | 'applied' | 'refused' | 'expired';

/** A change that an agent has put forward. */
export interface Proposal {
  readonly hash: Digest;
  readonly manifest: BoundManifest;
  /** Grows by each signature that is added; null until the first. */
  readonly envelope: Envelope | null;
  /** Token subject. */
  readonly proposer: string;
  /** ms since 1970. */
  readonly at: number;
  readonly plan: PlanResult;
  readonly status: ProposalStatus;
  /** What became of it, for people; null while open. */
  readonly outcome: string | null;
}
