// Each is one statement, so that two owners never see the same row as free.

/**
 * $1 tenant, $2 session, $3 owner, $4 address, $5 assurance, $6 ms, $7 and $8 bounds of the database's clock or
 * null. A row in use is taken by its own owner, who has its tail; when it was released; or when it ran out,
 * if all that was answered is in the ledger and the clock is known to run. The sequencer's fence goes up in
 * the same statement: from here on, nothing that was decided before gets into the session's chain. It waits
 * for an append that is under way, so the ledger's end that is read next is the session's end. Not so for an owner
 * that never let go, and was restarted: nobody else can have decided since, and the tail that it still has to ship
 * was decided under this very fence.
 */
export const TAKE = `
  with known as (select fence from pf.sessions where tenant = $1 and session = $2),
  taken as (
    insert into pf.leases as l (tenant, session, owner, address, fence, assurance, released, expires_at)
    values ($1, $2, $3, $4, coalesce((select fence from known), 0) + 1, $5, false,
            clock_timestamp() + $6::float8 * interval '1 ms')
    on conflict (tenant, session) do update
      set owner = excluded.owner, address = excluded.address, assurance = excluded.assurance,
          fence = case when l.owner = excluded.owner and not l.released then l.fence
                       else greatest(l.fence + 1, excluded.fence) end,
          released = false, expires_at = excluded.expires_at
      where l.released or l.owner = excluded.owner
         or l.assurance = 'high' and l.expires_at < clock_timestamp()
            and clock_timestamp() between to_timestamp($7::float8 / 1000) and to_timestamp($8::float8 / 1000)
    returning tenant, session, fence
  )
  insert into pf.sessions as s (tenant, session, fence) select tenant, session, fence from taken
  on conflict (tenant, session) do update set fence = greatest(s.fence, excluded.fence)
  returning s.fence`;

export interface LeaseRow {
  readonly owner: string;
  readonly address: string | null;
  readonly assurance: 'standard' | 'high';
  readonly released: boolean;
  readonly expired: boolean;
}

export const LOOK = `
  select owner, address, assurance, released, expires_at < clock_timestamp() as expired
  from pf.leases where tenant = $1 and session = $2`;

/** $1 owner, then tenants, sessions, fences, and ms. Answers what was lost, by position from 1, and the clock. */
export const RENEW = `
  with asked as (
    select * from unnest($2::text[], $3::text[], $4::bigint[]) with ordinality as a (tenant, session, fence, position)
  ),
  renewed as (
    update pf.leases l set expires_at = clock_timestamp() + $5::float8 * interval '1 ms' from asked a
    where l.tenant = a.tenant and l.session = a.session and l.fence = a.fence and l.owner = $1 and not l.released
    returning a.position
  )
  select (select array_agg(position::int) from asked where position not in (select position from renewed)) as lost,
         (extract(epoch from clock_timestamp()) * 1000)::float8 as clock`;

export interface RenewedRow {
  readonly lost: readonly number[] | null;
  readonly clock: number;
}

/** $1 owner, then tenants, sessions, fences. */
export const GIVE_UP = `
  update pf.leases l set released = true, expires_at = clock_timestamp()
  from unnest($2::text[], $3::text[], $4::bigint[]) as g (tenant, session, fence)
  where l.tenant = g.tenant and l.session = g.session and l.fence = g.fence and l.owner = $1`;

export const GIVE_UP_ALL = `
  update pf.leases set released = true, expires_at = clock_timestamp() where owner = $1 and not released`;

/** What an earlier run of this owner left is found where the owner is now. */
export const MOVE_IN = `
  update pf.leases set address = $2 where owner = $1 and not released and address is distinct from $2`;

export const ASSURE = 'update pf.leases set assurance = $2 where owner = $1 and not released';

/** Raises the fence as well: what the lost owner still ships counts as superseded from here on. */
export const DECLARE_LOST = `
  with lost as (
    update pf.leases set released = true, fence = fence + 1
    where tenant = $1 and session = $2 and not released and expires_at < clock_timestamp()
    returning tenant, session, fence
  )
  insert into pf.sessions as s (tenant, session, fence) select tenant, session, fence from lost
  on conflict (tenant, session) do update set fence = greatest(s.fence, excluded.fence)
  returning s.fence`;
