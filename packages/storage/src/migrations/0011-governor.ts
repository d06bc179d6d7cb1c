import type { Migration } from './migration.ts';

/**
 * What the replicas of a governor share, by tenant and tree: who works on the tree now, which changes were taken up, what agents
 * have put forward, and whether it is stopped. No content of a tree but what proposals hold.
 *
 * pf_governor alone sees any of it, one tenant a transaction. Leases end by this server's clock; the tree's fence goes up with
 * each, and who has an older one no longer has the tree. A row and no advisory lock: any login of the server, a tenant's too,
 * could take and hold one of those.
 */
export const GOVERNOR: Migration = {
  version: 11,
  name: 'governor',
  up: `
    do $$
    begin
      begin
        if not exists (select from pg_roles where rolname = 'pf_governor') then create role pf_governor nologin; end if;
      exception when duplicate_object or unique_violation then null; -- another database's migration won
      end;
      -- From 16 on, making a role gives no right to SET ROLE to it; before, there is no such option.
      if not pg_has_role(current_user, 'pf_governor', 'member') then
        execute format('grant pf_governor to %I', current_user);
      elsif current_setting('server_version_num')::int >= 160000
            and not pg_has_role(current_user, 'pf_governor', 'set') then
        execute format('grant pf_governor to %I with set true', current_user);
      end if;
    end $$;
    grant usage on schema pf to pf_governor;
    grant execute on function pf.current_tenant() to pf_governor;

    -- Renewed all the time: a row leaves room for its next version.
    create table pf.governor_trees (
      tenant text collate "C" not null,
      tree text collate "C" not null,
      fence bigint not null default 0,
      -- null: nobody works on it
      holder uuid,
      held_until timestamptz,
      primary key (tenant, tree)
    ) with (fillfactor = 50);

    create table pf.governor_claims (
      tenant text collate "C" not null,
      tree text collate "C" not null,
      manifest text collate "C" not null check (manifest ~ '^[0-9a-f]{64}$'),
      idempotency_key text collate "C" not null,
      applied boolean not null default false,
      -- ms since 1970 by the governor's clock
      taken_at bigint not null,
      -- which replica has it under way, and until when it said so last
      holder uuid,
      held_until timestamptz,
      primary key (tenant, tree, manifest),
      unique (tenant, tree, idempotency_key)
    ) with (fillfactor = 80);
    create index governor_claims_under_way on pf.governor_claims (tenant, tree, holder) where not applied;

    create table pf.governor_proposals (
      tenant text collate "C" not null,
      tree text collate "C" not null,
      hash text collate "C" not null check (hash ~ '^[0-9a-f]{64}$'),
      -- JSON as text: a manifest may hold what jsonb refuses
      content text not null check (octet_length(content) <= 4194304),
      status text not null check (status in ('open', 'applied', 'refused', 'expired')),
      at bigint not null,
      expires_at bigint not null,
      primary key (tenant, tree, hash)
    );
    create index governor_proposals_newest on pf.governor_proposals (tenant, tree, at desc, hash desc);

    -- Whoever follows the changes asks several times a second: by their order, among all that agents did.
    create index statements_of_changes on pf.statements (tenant, log_index) where type = 'governed-change';

    create table pf.governor_kill_switch (
      tenant text collate "C" not null,
      tree text collate "C" not null,
      reason text not null,
      ordered_by text not null,
      at bigint not null,
      primary key (tenant, tree)
    );

    do $$
    declare one text;
    begin
      foreach one in array array['governor_trees', 'governor_claims', 'governor_proposals', 'governor_kill_switch'] loop
        execute format('alter table pf.%I enable row level security, force row level security', one);
        execute format('create policy service on pf.%I to pf_governor
          using (tenant = (select pf.current_tenant())) with check (tenant = (select pf.current_tenant()))', one);
      end loop;
    end $$;
    grant select, insert on pf.governor_trees to pf_governor;
    grant update (fence, holder, held_until) on pf.governor_trees to pf_governor;
    grant select, insert, delete on pf.governor_claims, pf.governor_proposals, pf.governor_kill_switch to pf_governor;
    grant update (applied, holder, held_until) on pf.governor_claims to pf_governor;
    grant update (content, status, expires_at) on pf.governor_proposals to pf_governor;
    grant update (reason, ordered_by, at) on pf.governor_kill_switch to pf_governor;
  `,
  down: `
    drop index pf.statements_of_changes;
    drop table pf.governor_trees, pf.governor_claims, pf.governor_proposals, pf.governor_kill_switch;
  `,
};
