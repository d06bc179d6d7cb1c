import { randomUUID } from 'node:crypto';
import type { KillSource, ProposalBounds, ProposalStore, TreeLock } from '@provability-fabric/governor';
import type { Crypto } from '@provability-fabric/kernel';
import type { Database } from '../database/database.ts';
import { type PostgresClaims, postgresClaims } from './claims.ts';
import { type GovernedTreeName, governedTree } from './governed-tree.ts';
import { postgresKillSource } from './kill-source.ts';
import { proposalRows } from './proposals.ts';
import { postgresTreeLock } from './tree-lock.ts';

export interface GovernorStoreOptions extends GovernedTreeName {
  /** With connections of its own: a look of the kill switch that waits for a free one counts as no answer. */
  readonly database: Database;
  readonly crypto: Crypto;
  /** How long what a lost replica had under way keeps the others waiting; 10 s for the tree, 30 s for a change. */
  readonly leaseMs?: number;
  readonly claimLeaseMs?: number;
  /** How long a change waits for the tree; 30 s. */
  readonly patienceMs?: number;
  /** ms since 1970. */
  readonly now?: () => number;
  readonly bounds?: ProposalBounds;
}

export interface GovernorStore {
  readonly claims: PostgresClaims;
  readonly proposals: ProposalStore;
  readonly killSource: KillSource;
  readonly treeLock: TreeLock;
  /** Ends what renews; watches of the kill source are their switch's to close. */
  close(): Promise<void>;
}

const LEASE_MS = 10_000;
const CLAIM_LEASE_MS = 30_000;
const PATIENCE_MS = 30_000;

/**
 * What the replicas of a governor share in one database. Asks nothing yet. Besides GovernorError, everything here rejects with
 * LedgerError where the database does not answer.
 */
export function openGovernorStore(options: GovernorStoreOptions): GovernorStore {
  const { database, crypto, now = () => Date.now(), bounds } = options;
  const { leaseMs = LEASE_MS, claimLeaseMs = CLAIM_LEASE_MS, patienceMs = PATIENCE_MS } = options;
  const tree = governedTree(database, options);
  const holder = randomUUID();
  const claims = postgresClaims(tree, { holder, leaseMs: claimLeaseMs });
  return {
    claims,
    proposals: proposalRows(tree, { crypto, now, ...(bounds && { bounds }) }),
    killSource: postgresKillSource(database, tree),
    treeLock: postgresTreeLock(tree, { holder, leaseMs, patienceMs }),
    close: () => claims.close(),
  };
}
