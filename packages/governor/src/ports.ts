import type { Digest } from '@provability-fabric/kernel';
import type { CedarIr } from '@provability-fabric/policy/cedar';
import type { Proposal, ProposalStatus } from './proposal.ts';

/** Turns Cedar text into what the policy engine runs; the bundle compiler's `compileCedar` is one. */
export type CompileCedar = (sources: {
  readonly policies: { readonly path: string; readonly text: string };
  readonly schema?: { readonly path: string; readonly text: string };
  readonly requireIds?: boolean;
}) => Promise<
  | { readonly ok: true; readonly ir: CedarIr }
  | {
      readonly ok: false;
      readonly errors: readonly {
        readonly line: number;
        readonly column: number;
        readonly message: string;
      }[];
    }
>;

/**
 * Which changes were taken up, by every governor of the tree. `take` is atomic and durable: of several callers with one
 * manifest or one key exactly one gets `taken`. What was not applied is let go again, so that it can be tried anew.
 */
export interface Claims {
  take(claim: {
    readonly idempotencyKey: string;
    readonly manifest: Digest;
    /** ms since 1970. */
    readonly at: number;
  }): Promise<
    | { readonly kind: 'taken' }
    | { readonly kind: 'same-manifest'; readonly state: 'under-way' | 'applied' }
    | { readonly kind: 'other-manifest' }
  >;
  applied(manifest: Digest): Promise<void>;
  release(manifest: Digest): Promise<void>;
  /** Taken by a replica that is gone; absent where there are no others. */
  abandoned?(): Promise<readonly Digest[]>;
}

/**
 * One governor works on a tree at a time, whatever process or host it runs in. Waits, then throws TREE_BUSY. A lock may be lost
 * while work goes on: `held` throws TREE_BUSY then, and is asked right before what cannot be undone; and what work gives back
 * counts only where the lock lasted, otherwise `withLock` throws TREE_BUSY itself.
 */
export interface TreeLock {
  withLock<Result>(work: (held: () => Promise<void>) => Promise<Result>): Promise<Result>;
}

/** Proposals, for every replica. Durable when they resolve. */
export interface ProposalStore {
  /** Throws PROPOSALS_FULL at its bound. Of one hash the first stays. */
  add(proposal: Proposal): Promise<void>;
  get(hash: Digest): Promise<Proposal | undefined>;
  /** Newest first. */
  list(query: { readonly status?: ProposalStatus; readonly limit: number }): Promise<readonly Proposal[]>;
  /**
   * Replaces the proposal of the same hash; false where none is there, its status is no longer `expected`, or its envelope has
   * a signature that the new one lacks: somebody else has signed meanwhile, so it has to be read again.
   */
  update(proposal: Proposal, expected: ProposalStatus): Promise<boolean>;
}
