import type { Claims } from '@provability-fabric/governor';
import type { Digest } from '@provability-fabric/kernel';
import { startBeats } from '../leases/beats.ts';
import type { GovernedQuery, GovernedTree } from './governed-tree.ts';

/** As the port says; a replica that is gone leaves its claims behind, and they may be taken up again after a while. */
export interface PostgresClaims extends Claims {
  /**
   * What was under way when its replica was lost. Under the tree's lock, once what was begun there is finished or undone,
   * `applied` or `release` decides each.
   */
  abandoned(): Promise<readonly Digest[]>;
  close(): Promise<void>;
}

interface ClaimRow {
  readonly manifest: Digest;
  readonly applied: boolean;
  readonly lapsed: boolean;
}

const LEASE_END = `clock_timestamp() + $3::float8 * interval '1 ms'`;
const TAKE = `
  insert into pf.governor_claims (tenant, tree, held_until, holder, manifest, idempotency_key, taken_at)
  values ($1, $2, ${LEASE_END}, $4, $5, $6, $7) on conflict do nothing returning manifest`;
/** The one of the manifest first. */
const LOOK = `
  select manifest, applied, held_until <= clock_timestamp() as lapsed from pf.governor_claims
  where tenant = $1 and tree = $2 and (manifest = $3 or idempotency_key = $4)
  order by manifest <> $3 for update`;
const TAKE_UP = `
  update pf.governor_claims set held_until = ${LEASE_END}, holder = $4
  where tenant = $1 and tree = $2 and manifest = $5`;
const APPLIED = `
  update pf.governor_claims set applied = true, holder = null, held_until = null
  where tenant = $1 and tree = $2 and manifest = $3`;
/** Not what somebody else has taken up since, and never what was applied. */
const RELEASE = `
  delete from pf.governor_claims
  where tenant = $1 and tree = $2 and manifest = $3 and not applied
    and (holder = $4 or held_until <= clock_timestamp())`;
const RENEW = `
  update pf.governor_claims set held_until = ${LEASE_END}
  where tenant = $1 and tree = $2 and holder = $4 and not applied`;
const ABANDONED = `
  select manifest from pf.governor_claims
  where tenant = $1 and tree = $2 and not applied and held_until <= clock_timestamp() order by taken_at`;

/** Between its look and its insert, a claim may be released again and again by others; not so often. */
const TRIES = 20;

export interface ClaimsOptions {
  /** A UUID of this replica, of this run. */
  readonly holder: string;
  readonly leaseMs: number;
}

export function postgresClaims(tree: GovernedTree, { holder, leaseMs }: ClaimsOptions): PostgresClaims {
  /** Under way here: without any, nothing is renewed. */
  const mine = new Set<Digest>();
  const beats = startBeats(leaseMs / 3, async () => {
    if (mine.size > 0) await tree.transaction((query) => query(RENEW, [leaseMs, holder]));
  });

  async function takeOnce(
    query: GovernedQuery,
    { idempotencyKey, manifest, at }: Parameters<Claims['take']>[0],
  ): Promise<Awaited<ReturnType<Claims['take']>> | undefined> {
    const values = [leaseMs, holder, manifest, idempotencyKey, Math.trunc(at)];
    if ((await query(TAKE, values)).length > 0) return { kind: 'taken' };
    const [row] = await query<ClaimRow>(LOOK, [manifest, idempotencyKey]);
    if (row === undefined) return undefined;
    // The key stays with its manifest until that is let go: it may have landed, and only recovery can tell.
    if (row.manifest !== manifest) return { kind: 'other-manifest' };
    if (row.applied) return { kind: 'same-manifest', state: 'applied' };
    if (!row.lapsed) return { kind: 'same-manifest', state: 'under-way' };
    await query(TAKE_UP, [leaseMs, holder, manifest]);
    return { kind: 'taken' };
  }

  return {
    async take(claim) {
      for (let attempt = 1; ; attempt++) {
        const answer = await tree.transaction((query) => takeOnce(query, claim));
        if (answer?.kind === 'taken') mine.add(claim.manifest);
        if (answer !== undefined) return answer;
        if (attempt === TRIES) return { kind: 'same-manifest', state: 'under-way' };
      }
    },
    async applied(manifest) {
      await tree.transaction((query) => query(APPLIED, [manifest]));
      mine.delete(manifest);
    },
    async release(manifest) {
      await tree.transaction((query) => query(RELEASE, [manifest, holder]));
      mine.delete(manifest);
    },
    async abandoned() {
      const rows = await tree.transaction((query) => query<ClaimRow>(ABANDONED), { readOnly: true });
      return rows.map(({ manifest }) => manifest);
    },
    close: () => beats.stop(),
  };
}
