import type { Migration } from './migration.ts';

/**
 * What actions have taken from limits that many sessions share: one row in `pf.usage_counts` for each count, whose lock
 * puts its reservations into an order, and one in `pf.usage_charges` for each certificate that took from it. Sums are kept
 * along, so that a reservation costs the same whatever a window holds.
 *
 * A count keeps charges for the widest window that was asked for: `kept_ms`, null for a budget. Locks are taken in the
 * order of clause, unit and key, so that two reservations of several counts cannot wait for each other.
 */
export const USAGE: Migration = {
  version: 6,
  name: 'usage',
  up: `
    create table pf.usage_counts (
      tenant text not null,
      clause text not null,
      unit text not null,
      key text not null,
      -- milliseconds since 1970 by the fabrics' clocks; never goes back
      at bigint not null,
      kept_ms bigint,
      total numeric not null,
      primary key (tenant, clause, unit, key)
    ) with (fillfactor = 50);

    create table pf.usage_charges (
      tenant text not null,
      certificate text not null,
      clause text not null,
      unit text not null,
      key text not null,
      -- which reservation of the certificate: one that was given up must not release a later one
      attempt uuid not null,
      at bigint not null,
      amount bigint not null check (amount > 0),
      primary key (tenant, certificate, clause, unit, key)
    );
    create index usage_charges_by_time on pf.usage_charges (tenant, clause, unit, key, at);

    create function pf.lock_usage(of_tenant text, of_clause text, of_unit text, of_key text)
      returns pf.usage_counts
      language plpgsql set search_path = pg_catalog, pg_temp
    as $$
    declare found_count pf.usage_counts;
    begin
      loop
        select * into found_count from pf.usage_counts c
          where c.tenant = of_tenant and c.clause = of_clause and c.unit = of_unit and c.key = of_key
          for no key update;
        if found then return found_count; end if;
        insert into pf.usage_counts (tenant, clause, unit, key, at, kept_ms, total)
          values (of_tenant, of_clause, of_unit, of_key, 0, 0, 0)
          on conflict do nothing;
      end loop;
    end $$;

    -- Charges of any number of reservations, by count: clause, unit, key, and of each charge its place in the answer,
    -- certificate, attempt, at, amount and reach (the window with its tolerance, or null). A certificate has one at most in
    -- a count. Each sees those before it; all are taken at the latest of their times.
    create function pf.reserve_usage(of_tenant text, counts jsonb) returns table (place int, used bigint)
      language plpgsql set search_path = pg_catalog, pg_temp
    as $$
    declare
      g record;
      counted pf.usage_counts;
      gone numeric;
    begin
      for g in
        select e ->> 'clause' as clause, e ->> 'unit' as unit, e ->> 'key' as key, e -> 'charges' as charges,
               (select max((x ->> 'at')::bigint) from jsonb_array_elements(e -> 'charges') x) as at,
               (select max((x ->> 'reach')::bigint) from jsonb_array_elements(e -> 'charges') x) as reach,
               (select bool_or(x ->> 'reach' is null) from jsonb_array_elements(e -> 'charges') x) as for_ever,
               (select array_agg(x ->> 'certificate') from jsonb_array_elements(e -> 'charges') x) as certificates
        from jsonb_array_elements(counts) given (e)
        order by (e ->> 'clause') collate "C", (e ->> 'unit') collate "C", (e ->> 'key') collate "C"
      loop
        counted := pf.lock_usage(of_tenant, g.clause, g.unit, g.key);
        counted.at := greatest(counted.at, g.at);
        counted.kept_ms := case when g.for_ever or counted.kept_ms is null then null
                                else greatest(counted.kept_ms, g.reach) end;
        with left_window as (
          delete from pf.usage_charges u
            where u.tenant = of_tenant and u.clause = g.clause and u.unit = g.unit and u.key = g.key
              and u.at < counted.at - counted.kept_ms
            returning u.amount
        ), replaced as (
          delete from pf.usage_charges u
            where u.tenant = of_tenant and u.certificate = any(g.certificates) and u.clause = g.clause
              and u.unit = g.unit and u.key = g.key
              and (counted.kept_ms is null or u.at >= counted.at - counted.kept_ms)
            returning u.amount
        )
        select coalesce(sum(l.amount), 0) into gone
          from (select amount from left_window union all select amount from replaced) l;
        counted.total := counted.total - gone;
        return query
          with charge as (
            select (x ->> 'place')::int as at_place, (x ->> 'amount')::bigint as amount,
                   (x ->> 'reach')::bigint as reach
            from jsonb_array_elements(g.charges) x
          ), base as (
            select r.reach, case when r.reach is null or r.reach = counted.kept_ms then counted.total
              else (select coalesce(sum(u.amount), 0) from pf.usage_charges u
                    where u.tenant = of_tenant and u.clause = g.clause and u.unit = g.unit and u.key = g.key
                      and u.at >= counted.at - r.reach) end as amount
            from (select distinct charge.reach from charge) r
          )
          select charge.at_place,
            least(base.amount + coalesce(sum(charge.amount) over (order by charge.at_place
              rows between unbounded preceding and 1 preceding), 0), 9007199254740991)::bigint
          from charge join base on base.reach is not distinct from charge.reach;
        insert into pf.usage_charges (tenant, certificate, clause, unit, key, attempt, at, amount)
          select of_tenant, x ->> 'certificate', g.clause, g.unit, g.key, (x ->> 'attempt')::uuid, counted.at,
            (x ->> 'amount')::bigint
          from jsonb_array_elements(g.charges) x;
        update pf.usage_counts u
          set at = counted.at, kept_ms = counted.kept_ms, total = counted.total
            + (select sum((x ->> 'amount')::bigint) from jsonb_array_elements(g.charges) x)
          where u.tenant = of_tenant and u.clause = g.clause and u.unit = g.unit and u.key = g.key;
      end loop;
    end $$;

    -- Of each: certificate, attempt and clause.
    create function pf.release_usage(of_tenant text, given jsonb) returns void
      language plpgsql set search_path = pg_catalog, pg_temp
    as $$
    declare
      c record;
      gone bigint;
    begin
      for c in
        select u.certificate, u.attempt, u.clause, u.unit, u.key
          from jsonb_array_elements(given) g (e)
          join pf.usage_charges u on u.tenant = of_tenant and u.certificate = g.e ->> 'certificate'
            and u.clause = g.e ->> 'clause' and u.attempt = (g.e ->> 'attempt')::uuid
          order by u.clause collate "C", u.unit collate "C", u.key collate "C"
      loop
        perform pf.lock_usage(of_tenant, c.clause, c.unit, c.key);
        gone := null;
        delete from pf.usage_charges u
          where u.tenant = of_tenant and u.certificate = c.certificate and u.attempt = c.attempt
            and u.clause = c.clause and u.unit = c.unit and u.key = c.key
          returning u.amount into gone;
        if gone is null then continue; end if;
        update pf.usage_counts u set total = u.total - gone
          where u.tenant = of_tenant and u.clause = c.clause and u.unit = c.unit and u.key = c.key;
      end loop;
    end $$;

    -- Counts that nobody has taken from since all of their charges left. By the clock of this server: a fabric whose own
    -- is wrong must not make others forget. Answers how many went.
    create function pf.prune_usage(spare_ms bigint, most int) returns int
      language plpgsql set search_path = pg_catalog, pg_temp
    as $$
    declare
      c record;
      pruned int := 0;
    begin
      for c in
        select u.tenant, u.clause, u.unit, u.key from pf.usage_counts u
          where (u.total = 0 or u.kept_ms is not null)
            and u.at + case when u.total = 0 then 0 else u.kept_ms end + spare_ms
              < extract(epoch from clock_timestamp()) * 1000
          limit most for update skip locked
      loop
        delete from pf.usage_charges u
          where u.tenant = c.tenant and u.clause = c.clause and u.unit = c.unit and u.key = c.key;
        delete from pf.usage_counts u
          where u.tenant = c.tenant and u.clause = c.clause and u.unit = c.unit and u.key = c.key;
        pruned := pruned + 1;
      end loop;
      return pruned;
    end $$;

    revoke all on function pf.lock_usage(text, text, text, text), pf.prune_usage(bigint, int),
      pf.reserve_usage(text, jsonb), pf.release_usage(text, jsonb) from public;
    grant execute on function pf.lock_usage(text, text, text, text), pf.prune_usage(bigint, int),
      pf.reserve_usage(text, jsonb), pf.release_usage(text, jsonb) to pf_writer;
    grant select, insert, delete on pf.usage_counts, pf.usage_charges to pf_writer;
    grant update (at, kept_ms, total) on pf.usage_counts to pf_writer;
    grant select on pf.usage_counts, pf.usage_charges to pf_reader, pf_auditor;
    do $$
    declare one text;
    begin
      foreach one in array array['usage_counts', 'usage_charges'] loop
        execute format('alter table pf.%I enable row level security, force row level security', one);
        execute format('create policy writer on pf.%I to pf_writer
          using ((select pf.current_tenant()) is null or tenant = (select pf.current_tenant()))
          with check ((select pf.current_tenant()) is null or tenant = (select pf.current_tenant()))', one);
        execute format('create policy auditor on pf.%I for select to pf_auditor using (true)', one);
        execute format('create policy reader on pf.%I for select to pf_reader
          using (tenant = (select pf.current_tenant()))', one);
      end loop;
    end $$;
  `,
  down: `
    drop function pf.prune_usage(bigint, int);
    drop function pf.release_usage(text, jsonb);
    drop function pf.reserve_usage(text, jsonb);
    drop function pf.lock_usage(text, text, text, text);
    drop table pf.usage_charges, pf.usage_counts;
  `,
};
