import type { Migration } from './migration.ts';

/**
 * The ledger. Every table has row-level security forced, so that its owner is bound too; a superuser is not,
 * by PostgreSQL's design. Rights:
 * - pf_writer appends and erases, for the sequencer;
 * - pf_reader sees one tenant, the one of `pf.current_tenant()`;
 * - pf_auditor sees all tenants;
 * - pf_tenant is the group of logins that tenants themselves hold: pf_reader, bound to their own tenant
 *   whatever they SET.
 * Roles belong to the whole server, so they are made where missing and stay when the schema goes.
 */
export const LEDGER: Migration = {
  version: 1,
  name: 'ledger',
  up: `
    do $$
    declare missing text;
    begin
      foreach missing in array array['pf_writer', 'pf_reader', 'pf_auditor', 'pf_tenant'] loop
        begin
          if not exists (select from pg_roles where rolname = missing) then
            execute format('create role %I nologin', missing);
          end if;
        exception when duplicate_object or unique_violation then null; -- another database's migration won
        end;
        -- From 16 on, making a role gives no right to SET ROLE to it; before, there is no such option.
        if missing <> 'pf_tenant' and not pg_has_role(current_user, missing, 'member') then
          execute format('grant %I to %I', missing, current_user);
        elsif missing <> 'pf_tenant' and current_setting('server_version_num')::int >= 160000
              and not pg_has_role(current_user, missing, 'set') then
          execute format('grant %I to %I with set true', missing, current_user);
        end if;
      end loop;
      begin
        grant pf_reader to pf_tenant;
      exception when insufficient_privilege then
        if not pg_has_role('pf_tenant', 'pf_reader', 'member') then raise; end if;
      end;
    end $$;

    grant usage on schema pf to pf_writer, pf_reader, pf_auditor;
    grant select on pf.schema_migrations to pf_writer, pf_reader, pf_auditor;

    create table pf.tenant_logins (
      login name primary key,
      tenant text not null
    );

    -- Security definer: it reads tenant_logins, which nobody else may. session_user is the login whatever
    -- SET ROLE said; a login of the group pf_tenant without a row here sees nothing.
    create function pf.current_tenant() returns text
      language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    begin
      if exists (select from pg_auth_members m
                 where m.member = (select oid from pg_roles where rolname = session_user)
                   and m.roleid = (select oid from pg_roles where rolname = 'pf_tenant')
                   -- From 16 on, whoever makes a role administers it, as a member: that is the fabric, and no tenant.
                   and not m.admin_option) then
        return (select tenant from pf.tenant_logins where login = session_user);
      end if;
      return nullif(current_setting('pf.tenant', true), '');
    end $$;
    revoke all on function pf.current_tenant() from public;
    grant execute on function pf.current_tenant() to pf_writer, pf_reader, pf_auditor;

    create table pf.statements (
      log_index bigint primary key,
      digest bytea not null unique,
      tenant text not null,
      session text,
      seq bigint,
      type text not null,
      -- certificate_id or receipt_id; an outcome certificate shares the one of its permission
      id text,
      principal text,
      verdict text,
      -- milliseconds since 1970
      issued_at bigint not null,
      writer text not null,
      -- null once erased; the log keeps its leaf
      envelope bytea,
      salt bytea,
      sealed_record bytea
    );
    -- Base64 and ciphertext: compressing them costs more than it saves, and rows of 2 to 4 kB stay in one place.
    alter table pf.statements alter column envelope set storage external,
      alter column sealed_record set storage external, set (toast_tuple_target = 4080);
    create index statements_by_time on pf.statements (tenant, type, issued_at, log_index);
    create unique index statements_by_session on pf.statements (tenant, session, seq) where session is not null;
    create index statements_by_id on pf.statements (id) where id is not null;

    -- Where each session ends, and the newest fence under which it was, or may be, decided. Whoever takes a
    -- session over raises the fence here, in the transaction of the takeover: the sequencer holds the row
    -- while it appends, so nothing decided under an older fence gets in after it.
    create table pf.sessions (
      tenant text not null,
      session text not null,
      -- -1 and null where a fence is all there is yet
      seq bigint not null default -1,
      digest bytea,
      fence bigint not null default 0,
      primary key (tenant, session)
    );

    -- Decided under an old fence, arrived after a takeover: nobody was answered on them.
    create table pf.superseded (
      digest bytea primary key,
      tenant text not null,
      session text not null,
      seq bigint not null,
      type text not null,
      principal text,
      issued_at bigint not null,
      writer text not null,
      fence bigint not null,
      envelope bytea,
      salt bytea,
      sealed_record bytea
    );

    -- C2SP tiles, the partial one on the right edge of each level included. Level -1: leaf data.
    create table pf.tiles (
      level smallint not null,
      tile bigint not null,
      hashes bytea not null,
      primary key (level, tile)
    );
    alter table pf.tiles alter column hashes set storage external;

    create table pf.log_state (
      only_one boolean primary key default true check (only_one),
      origin text not null,
      size bigint not null,
      root bytea not null,
      -- the signed note over size and root
      checkpoint text not null
    );

    -- How far each file log is in the ledger: the log index expected next.
    create table pf.writers (
      writer text primary key,
      position bigint not null
    );

    -- An update of a statement erases and does nothing else.
    create function pf.refuse_rewriting() returns trigger language plpgsql as $$
    begin
      if new.envelope is not null and new.envelope is distinct from old.envelope
         or new.salt is not null and new.salt is distinct from old.salt
         or new.sealed_record is not null and new.sealed_record is distinct from old.sealed_record
         or new.principal is not null and new.principal is distinct from old.principal then
        raise exception 'a statement is erased or kept, never rewritten' using errcode = 'insufficient_privilege';
      end if;
      return new;
    end $$;
    create trigger refuse_rewriting before update on pf.statements
      for each row execute function pf.refuse_rewriting();
    create trigger refuse_rewriting before update on pf.superseded
      for each row execute function pf.refuse_rewriting();

    -- Leaf hashes stay, in the tiles: the log is as consistent as before. Answers how many rows changed.
    create function pf.erase(of_tenant text, whole boolean) returns bigint
      language plpgsql set search_path = pg_catalog, pg_temp
    as $$
    declare changed bigint; late bigint;
    begin
      update pf.statements
        set sealed_record = null, envelope = case when whole then null else envelope end,
            salt = case when whole then null else salt end,
            principal = case when whole then null else principal end
        where tenant = of_tenant and (sealed_record is not null or whole and envelope is not null);
      get diagnostics changed = row_count;
      update pf.superseded
        set sealed_record = null, envelope = case when whole then null else envelope end,
            salt = case when whole then null else salt end,
            principal = case when whole then null else principal end
        where tenant = of_tenant and (sealed_record is not null or whole and envelope is not null);
      get diagnostics late = row_count;
      return changed + late;
    end $$;
    revoke all on function pf.erase(text, boolean) from public;
    grant execute on function pf.erase(text, boolean) to pf_writer;

    grant select, insert on pf.statements, pf.superseded, pf.tiles, pf.writers, pf.sessions, pf.log_state
      to pf_writer;
    grant update (envelope, salt, sealed_record, principal) on pf.statements, pf.superseded to pf_writer;
    grant update on pf.sessions, pf.tiles, pf.writers, pf.log_state to pf_writer;
    grant select on pf.statements, pf.superseded, pf.sessions to pf_reader, pf_auditor;
    grant select on pf.tiles, pf.log_state to pf_reader, pf_auditor;
    grant select on pf.writers to pf_auditor;

    do $$
    declare one text;
    begin
      foreach one in array array['statements', 'superseded', 'sessions'] loop
        execute format('alter table pf.%I enable row level security, force row level security', one);
        execute format('create policy writer on pf.%I to pf_writer using (true) with check (true)', one);
        execute format('create policy auditor on pf.%I for select to pf_auditor using (true)', one);
        -- The sub-select makes it one call a query, and leaves an index on tenant usable.
        execute format('create policy reader on pf.%I for select to pf_reader
                          using (tenant = (select pf.current_tenant()))', one);
      end loop;
      foreach one in array array['tiles', 'log_state', 'writers'] loop
        execute format('alter table pf.%I enable row level security, force row level security', one);
        execute format('create policy writer on pf.%I to pf_writer using (true) with check (true)', one);
        execute format('create policy auditor on pf.%I for select to pf_auditor using (true)', one);
      end loop;
    end $$;
    -- Nothing of a tenant shows in these.
    create policy reader on pf.tiles for select to pf_reader using (true);
    create policy reader on pf.log_state for select to pf_reader using (true);
  `,
  down: `
    drop table pf.statements, pf.superseded, pf.sessions, pf.tiles, pf.log_state, pf.writers;
    drop function pf.erase(text, boolean);
    drop function pf.refuse_rewriting();
    drop function pf.current_tenant();
    drop table pf.tenant_logins;
  `,
};
