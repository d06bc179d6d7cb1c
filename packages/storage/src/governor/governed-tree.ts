import type { Database, Transaction, TransactionOptions } from '../database/database.ts';
import { requireName } from '../reader/name.ts';

/** Whose governor, of which tree. */
export interface GovernedTreeName {
  readonly tenant: string;
  /** What all replicas of one governor call their tree. */
  readonly tree: string;
}

/** A transaction of the governor for its tree; `values` begin with tenant and tree, so that a statement's own are $3 on. */
export interface GovernedTree {
  transaction<T>(
    work: (query: GovernedQuery) => Promise<T>,
    options?: Omit<TransactionOptions, 'tenant'>,
  ): Promise<T>;
}

export type GovernedQuery = <Row>(text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

export function governedTree(database: Database, { tenant, tree }: GovernedTreeName): GovernedTree {
  requireName(tenant, 'a tenant');
  requireName(tree, 'a tree');
  return {
    transaction: (work, options = {}) =>
      database.transaction('pf_governor', (tx) => work(queryOn(tx)), { ...options, tenant }),
  };

  function queryOn(tx: Transaction): GovernedQuery {
    return (text, values = []) => tx.query(text, [tenant, tree, ...values]);
  }
}
