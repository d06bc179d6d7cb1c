import type { Migration } from './migration.ts';

/**
 * Who did what with secrets. In schema `public` and without a word about `pf`, since it also runs with psql alone: the
 * files in `supabase/migrations/` are these same statements, and a test holds them together. Re-runnable; made by the
 * files before a fabric came, it is taken as it is.
 *
 * Rows are added and never changed or taken away one by one: triggers refuse it to everyone, the owner too, on the table
 * and on each partition, whatever `session_replication_role` says. Only whole partitions go, when all of them is older
 * than 90 days. Rights:
 * - secrets_audit_writer adds rows. It can name neither `created_at`, which is this server's clock, nor a statement;
 * - pf_secrets, the service, is one of its members; it names the statement that attests a row, and lets partitions go;
 * - secrets_auditor reads all tenants;
 * - pf_reader reads one tenant, the one of `pf.current_tenant()`.
 * A setting of a session grants nothing. Partitions grant nobody anything: their rows are reached through the table.
 */
export const SECRET_AUDIT_LOGS: Migration = {
  version: 8,
  name: 'secret_audit_logs',
  up: `
    do $do$
    declare missing text;
    begin
      foreach missing in array array['secrets_audit_writer', 'secrets_auditor', 'pf_secrets'] loop
        begin
          if not exists (select from pg_roles where rolname = missing) then
            execute format('create role %I nologin', missing);
          end if;
        exception when duplicate_object or unique_violation then null; -- another database's migration won
        end;
        -- From 16 on, making a role gives no right to SET ROLE to it; before, there is no such option.
        if not pg_has_role(current_user, missing, 'member') then
          execute format('grant %I to %I', missing, current_user);
        elsif current_setting('server_version_num')::int >= 160000
              and not pg_has_role(current_user, missing, 'set') then
          execute format('grant %I to %I with set true', missing, current_user);
        end if;
      end loop;
      if not pg_has_role('pf_secrets', 'secrets_audit_writer', 'member') then
        grant secrets_audit_writer to pf_secrets;
      end if;
    end $do$;

    do $do$
    declare
      found pg_class;
      grantee text;
    begin
      select * into found from pg_class where oid = to_regclass('public.secret_audit_logs');
      if found.oid is not null then
        if found.relkind <> 'p' or not exists (
             select from pg_attribute where attrelid = found.oid and attname = 'statement_digest') then
          raise exception 'public.secret_audit_logs is there, and another table: rename it first';
        end if;
        -- Somebody else has made it, and has to be the one to change it.
        if not pg_has_role(current_user, found.relowner, 'usage') then return; end if;
      end if;

      create table if not exists public.secret_audit_logs (
        id uuid not null default gen_random_uuid(),
        tenant_id text not null check (length(tenant_id) between 1 and 256),
        user_id text not null check (length(user_id) between 1 and 256),
        -- the name of the secret, what names have to begin with for LIST, or '-'
        secret_key varchar(255) not null,
        action text not null check (action in ('READ', 'WRITE', 'LIST', 'DESCRIBE', 'DELETE', 'UNDELETE', 'DESTROY',
          'REMOVE', 'ROLLBACK', 'ROTATE', 'USE', 'MOUNT', 'FINGERPRINT')),
        result text not null check (result in ('STARTED', 'SUCCESS', 'FAILURE', 'DENIED')),
        -- names, numbers and codes
        metadata jsonb not null default '{}'
          check (jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384),
        -- by the clock of whoever adds the row; what no reader's numbers could hold would keep all others from being read
        timestamp timestamptz not null default now()
          check (timestamp >= '1970-01-01 00:00:00+00' and timestamp < '2200-01-01 00:00:00+00'),
        secret_path text check (length(secret_path) <= 1024),
        -- a code
        error_message text check (length(error_message) <= 1024),
        -- by the clock of this server, whatever is added
        created_at timestamptz not null default now(),
        version bigint,
        -- of the ledger's statement, SHA-256 in hex; null: nothing attests this row
        statement_digest text check (statement_digest ~ '^[0-9a-f]{64}$'),
        primary key (id, timestamp)
      ) partition by range (timestamp);
      create table if not exists public.secret_audit_logs_default partition of public.secret_audit_logs default;
      create index if not exists secret_audit_logs_by_time
        on public.secret_audit_logs (tenant_id, timestamp, id);
      create index if not exists secret_audit_logs_by_secret
        on public.secret_audit_logs (tenant_id, secret_key, timestamp, id);
      -- For all tenants at once; the expression keeps a tenant's own queries off it, which would read everybody's rows.
      create index if not exists secret_audit_logs_of_all
        on public.secret_audit_logs ((timestamp at time zone 'UTC'), id);
      create index if not exists secret_audit_logs_unattested
        on public.secret_audit_logs ((timestamp at time zone 'UTC'), id) where statement_digest is null;
      create index if not exists secret_audit_logs_times on public.secret_audit_logs using brin (timestamp);

      create or replace function public.secret_audit_logs_keep() returns trigger
        language plpgsql set search_path = pg_catalog, pg_temp
      as $body$
      begin
        raise exception 'secret_audit_logs takes rows and keeps them; expected an insert, got %', lower(tg_op)
          using errcode = 'insufficient_privilege';
      end $body$;

      -- Each partition by itself: a statement that names one meets none of the table's policies, rights and triggers.
      -- Default privileges of a database may have opened it to others.
      create or replace function public.secret_audit_logs_harden() returns void
        language plpgsql set search_path = pg_catalog, pg_temp
      as $body$
      declare
        part pg_class;
        place text;
        grantee text;
      begin
        for part in
          select c.* from pg_class c
          where c.oid = 'public.secret_audit_logs'::regclass
             or c.oid in (select inhrelid from pg_inherits where inhparent = 'public.secret_audit_logs'::regclass)
        loop
          place := part.oid::regclass::text;
          if not (part.relrowsecurity and part.relforcerowsecurity) then
            execute format('alter table %s enable row level security, force row level security', place);
          end if;
          if not exists (select from pg_trigger where tgrelid = part.oid and tgname = 'keep' and tgenabled = 'A') then
            execute format('create or replace trigger keep before update or delete or truncate on %s
              for each statement execute function public.secret_audit_logs_keep()', place);
            execute format('alter table %s enable always trigger keep', place);
          end if;
          if not part.relispartition then continue; end if;
          for grantee in
            select distinct case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end
            from aclexplode(part.relacl) a where a.grantee <> part.relowner
          loop
            execute format('revoke all on %s from %s', place, grantee);
          end loop;
        end loop;
      end $body$;

      -- The month before this one, this one and three more, where they are missing; answers how many were. What fits
      -- none goes to the default partition, so that no row is ever refused for want of one.
      create or replace function public.secret_audit_logs_extend() returns int
        language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s'
      as $body$
      declare
        month timestamp := date_trunc('month', now() at time zone 'UTC') - interval '1 month';
        made int := 0;
      begin
        for step in 1..5 loop
          begin
            if to_regclass('public.secret_audit_logs_' || to_char(month, 'YYYY_MM')) is null then
              execute format('create table public.%I partition of public.secret_audit_logs
                  for values from (%L) to (%L)',
                'secret_audit_logs_' || to_char(month, 'YYYY_MM'),
                to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
                to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
              made := made + 1;
            end if;
          -- The default partition has rows of this month, and gets the rest of them.
          exception when check_violation then null;
          end;
          month := month + interval '1 month';
        end loop;
        perform public.secret_audit_logs_harden();
        return made;
      end $body$;

      -- Partitions of which all is older go; answers their names. Under 90 days it is refused.
      create or replace function public.secret_audit_logs_drop(older_than timestamptz) returns setof text
        language plpgsql security definer
        set search_path = pg_catalog, pg_temp set lock_timeout = '2s' set datestyle = 'ISO' set timezone = 'UTC'
      as $body$
      declare
        part record;
      begin
        if older_than is null or older_than > now() - interval '90 days' then
          raise exception 'expected a time of 90 days ago or before' using errcode = 'invalid_parameter_value';
        end if;
        for part in
          select c.oid::regclass::text as place, c.relname as name, pg_relation_size(c.oid) as bytes,
                 pg_get_expr(c.relpartbound, c.oid) as bound
          from pg_inherits i join pg_class c on c.oid = i.inhrelid
          where i.inhparent = 'public.secret_audit_logs'::regclass
          order by c.relname
        loop
          if part.bound <> 'DEFAULT' then
            if split_part(split_part(part.bound, 'TO (''', 2), '''', 1)::timestamptz <= older_than then
              execute format('drop table %s', part.place);
              return next part.name;
            end if;
          elsif part.bytes > 0 then
            begin
              -- Not asked by a query: row-level security would show the owner none of the rows.
              execute format('alter table %s add check (timestamp < %L and created_at < %L)',
                part.place, older_than, older_than);
              execute format('drop table %s', part.place);
              execute format('create table public.%I partition of public.secret_audit_logs default', part.name);
              return next part.name;
            exception when check_violation then null;
            end;
          end if;
        end loop;
        perform public.secret_audit_logs_harden();
      end $body$;

      perform public.secret_audit_logs_extend();

      for grantee in
        select distinct case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end
        from pg_class c, aclexplode(c.relacl) a
        where c.oid = 'public.secret_audit_logs'::regclass and a.grantee <> c.relowner
      loop
        execute format('revoke all on public.secret_audit_logs from %s', grantee);
      end loop;
      revoke all on function public.secret_audit_logs_keep(), public.secret_audit_logs_harden(),
        public.secret_audit_logs_extend(), public.secret_audit_logs_drop(timestamptz) from public;
      grant usage on schema public to pf_secrets, secrets_audit_writer, secrets_auditor;
      grant execute on function public.secret_audit_logs_extend(), public.secret_audit_logs_drop(timestamptz)
        to pf_secrets;
      grant insert (id, tenant_id, user_id, secret_key, action, result, metadata, timestamp, secret_path, error_message,
        version) on public.secret_audit_logs to secrets_audit_writer;
      grant insert (statement_digest) on public.secret_audit_logs to pf_secrets;
      grant select on public.secret_audit_logs to secrets_auditor;

      drop policy if exists writer on public.secret_audit_logs;
      create policy writer on public.secret_audit_logs for insert to secrets_audit_writer with check (true);
      drop policy if exists auditor on public.secret_audit_logs;
      create policy auditor on public.secret_audit_logs for select to secrets_auditor using (true);
      drop policy if exists reader on public.secret_audit_logs;
      -- Where a fabric has its schema, tenants read what is theirs.
      if to_regprocedure('pf.current_tenant()') is not null then
        grant usage on schema public to pf_reader;
        grant select on public.secret_audit_logs to pf_reader;
        create policy reader on public.secret_audit_logs for select to pf_reader
          using (tenant_id = (select pf.current_tenant()));
      end if;
    end $do$;
  `,
  down: `
    drop table if exists public.secret_audit_logs;
    drop function if exists public.secret_audit_logs_extend();
    drop function if exists public.secret_audit_logs_drop(timestamptz);
    drop function if exists public.secret_audit_logs_harden();
    drop function if exists public.secret_audit_logs_keep();
  `,
};
