import {
  decodeProposal,
  encodeProposal,
  expiryOf,
  MOST_LISTED_PROPOSALS,
  mayReplace,
  PROPOSAL_BOUNDS,
  type Proposal,
  type ProposalBounds,
  type ProposalStore,
  proposalAsSeen,
  proposalsFull,
} from '@provability-fabric/governor';
import type { Crypto } from '@provability-fabric/kernel';
import type { GovernedQuery, GovernedTree } from './governed-tree.ts';

interface ContentRow {
  readonly content: string;
}

/** Whoever adds holds the tree's row until the end: the bound is of all replicas together. */
const ANCHOR = 'insert into pf.governor_trees (tenant, tree) values ($1, $2) on conflict do nothing';
const IN_TURN = 'select from pf.governor_trees where tenant = $1 and tree = $2 for no key update';
const ADD = `
  with counted as (
    select count(*) filter (where hash = $3) as known,
      count(*) filter (where status = 'open' and expires_at > $7::bigint) as open
    from pf.governor_proposals where tenant = $1 and tree = $2
  ), added as (
    insert into pf.governor_proposals (tenant, tree, hash, content, status, at, expires_at)
    select $1, $2, $3, $4, $5, $6::bigint, $8::bigint from counted where known = 0 and open < $9::bigint
    on conflict do nothing returning hash
  )
  select known > 0 as known, exists (select from added) as added from counted`;
const FORGET = `
  delete from pf.governor_proposals p where p.tenant = $1 and p.tree = $2 and p.hash in (
    select e.hash from pf.governor_proposals e
    where e.tenant = $1 and e.tree = $2 and not (e.status = 'open' and e.expires_at > $3::bigint)
    order by e.at desc, e.hash desc offset $4::bigint)`;
const GET = 'select content from pf.governor_proposals where tenant = $1 and tree = $2 and hash = $3';
/** By what the status is at the moment $3; $4 null: any. */
const LIST = `
  select content from pf.governor_proposals
  where tenant = $1 and tree = $2
    and ($4::text is null
         or $4 = case when status = 'open' and expires_at <= $3::bigint then 'expired' else status end)
  order by at desc, hash desc limit $5`;
const REPLACE = `
  update pf.governor_proposals set content = $4, status = $5, expires_at = $6
  where tenant = $1 and tree = $2 and hash = $3`;

export interface ProposalRowsOptions {
  readonly crypto: Crypto;
  /** ms since 1970. */
  readonly now: () => number;
  readonly bounds?: ProposalBounds;
}

export function proposalRows(tree: GovernedTree, options: ProposalRowsOptions): ProposalStore {
  const { crypto, now, bounds = PROPOSAL_BOUNDS } = options;

  function seen({ content }: ContentRow): Proposal | undefined {
    const found = decodeProposal(crypto, content);
    return found && proposalAsSeen(found, now());
  }

  async function add(query: GovernedQuery, proposal: Proposal): Promise<void> {
    await query(ANCHOR);
    await query(IN_TURN);
    const values = [proposal.hash, encodeProposal(proposal), proposal.status, Math.trunc(proposal.at)];
    const [row] = await query<{ known: boolean; added: boolean }>(ADD, [
      ...values,
      ...[Math.trunc(now()), expiryOf(proposal), bounds.open],
    ]);
    if (row?.added === true) await query(FORGET, [Math.trunc(now()), bounds.ended]);
    else if (row?.known !== true) throw proposalsFull(bounds.open);
  }

  return {
    add: (proposal) => tree.transaction((query) => add(query, proposal)),

    async get(hash) {
      const reading = (query: GovernedQuery) => query<ContentRow>(GET, [hash]);
      const [row] = await tree.transaction(reading, { readOnly: true });
      return row && seen(row);
    },

    async list({ status, limit }) {
      const most = Math.min(limit, MOST_LISTED_PROPOSALS);
      const values = [Math.trunc(now()), status ?? null, most];
      const rows = await tree.transaction((query) => query<ContentRow>(LIST, values), { readOnly: true });
      return rows.flatMap((row) => seen(row) ?? []);
    },

    update: (proposal, expected) =>
      tree.transaction(async (query) => {
        const [row] = await query<ContentRow>(`${GET} for update`, [proposal.hash]);
        const stored = row && seen(row);
        if (stored === undefined || !mayReplace(stored, proposal, expected)) return false;
        // When it was put forward stays: lists are sorted by it.
        const next = { ...proposal, at: stored.at };
        await query(REPLACE, [next.hash, encodeProposal(next), next.status, expiryOf(next)]);
        return true;
      }),
  };
}
