import type { Migration } from './migration.ts';

/**
 * Secrets of the embedded provider, ciphertext only, and the state of rotations. pf_secrets is the service: nobody else
 * has a right here, not the ledger's roles and no tenant's login. Its transactions are of one tenant, which the service
 * sets, and see that one alone; one of no tenant sees keys, schedules and rotations of all, which is what re-wrapping and
 * the scheduler need, and no secret of anybody.
 *
 * Names are compared byte by byte, so that prefix and order go by the key. The keys that a head or value names stay while
 * they name it: that is a foreign key, whose checks see every tenant's rows.
 */
export const SECRETS: Migration = {
  version: 7,
  name: 'secrets',
  up: `
    do $$
    begin
      begin
        if not exists (select from pg_roles where rolname = 'pf_secrets') then create role pf_secrets nologin; end if;
      exception when duplicate_object or unique_violation then null; -- another database's migration won
      end;
      -- From 16 on, making a role gives no right to SET ROLE to it; before, there is no such option.
      if not pg_has_role(current_user, 'pf_secrets', 'member') then
        execute format('grant pf_secrets to %I', current_user);
      elsif current_setting('server_version_num')::int >= 160000
            and not pg_has_role(current_user, 'pf_secrets', 'set') then
        execute format('grant pf_secrets to %I with set true', current_user);
      end if;
    end $$;
    grant usage on schema pf to pf_secrets;
    grant execute on function pf.current_tenant() to pf_secrets;

    create table pf.secret_root_keys (
      root_key_id text primary key check (root_key_id ~ '^[0-9a-f]{32}$'),
      source text not null check (source in ('file', 'passphrase', 'kms')),
      parameters bytea not null check (octet_length(parameters) <= 4096),
      check_value bytea not null check (octet_length(check_value) <= 256)
    );

    create table pf.secret_tenant_keys (
      tenant text collate "C" not null check (length(tenant) between 1 and 120),
      key_id text collate "C" not null check (key_id ~ '^[0-9a-f]{32}$'),
      generation int not null check (generation > 0),
      root_key_id text not null references pf.secret_root_keys,
      wrapped bytea not null check (octet_length(wrapped) <= 256),
      primary key (tenant, key_id),
      unique (tenant, generation)
    );
    create index secret_tenant_keys_by_root on pf.secret_tenant_keys (root_key_id);

    create table pf.secrets (
      tenant text collate "C" not null,
      name text collate "C" not null check (length(name) between 1 and 255),
      revision bigint not null check (revision > 0),
      -- the slot of the current version
      latest int not null check (latest >= 0),
      key_id text collate "C" not null,
      sealed bytea not null check (octet_length(sealed) <= 131072),
      -- the value in that slot once more, so that who reads what is current meets one row; null where there is none
      current_key_id text collate "C",
      current_wrapped_key bytea,
      current_sealed bytea,
      primary key (tenant, name),
      foreign key (tenant, key_id) references pf.secret_tenant_keys
    );

    create table pf.secret_values (
      tenant text collate "C" not null,
      name text collate "C" not null,
      -- the number of the version; 0: staged by a rotation
      slot int not null check (slot >= 0),
      key_id text collate "C" not null,
      wrapped_key bytea not null check (octet_length(wrapped_key) <= 128),
      sealed bytea not null check (octet_length(sealed) <= 131072),
      primary key (tenant, name, slot),
      foreign key (tenant, name) references pf.secrets on delete cascade,
      foreign key (tenant, key_id) references pf.secret_tenant_keys
    );
    -- Ciphertext does not compress.
    alter table pf.secrets alter column sealed set storage external, alter column current_sealed set storage external;
    alter table pf.secret_values alter column sealed set storage external;

    -- False: a conflict, and nothing has changed. The keys first, as who erases a tenant takes them first too: neither
    -- then waits for the other in a circle, and a key that is named here does not go before the commit.
    create function pf.change_secret(
      of_tenant text, of_name text, expected bigint, new_latest int, head_key text, head_sealed bytea,
      slots int[], keys text[], wrapped_keys bytea[], sealed_values bytea[], dropped int[]
    ) returns boolean
      language plpgsql set search_path = pg_catalog, pg_temp
    as $$
    declare
      named text[] := array(select distinct k from unnest(keys || head_key) k);
      locked int;
      place int := array_position(slots, new_latest);
      value record;
    begin
      perform from pf.secret_tenant_keys k where k.tenant = of_tenant and k.key_id = any(named)
        order by k.key_id for key share;
      get diagnostics locked = row_count;
      if locked <> cardinality(named) then return false; end if;
      -- Where somebody changes it meanwhile, the revision will have moved.
      select v.key_id as key, v.wrapped_key as wrapped, v.sealed as sealed into value
        from pf.secret_values v
        where v.tenant = of_tenant and v.name = of_name and v.slot = new_latest
          and place is null and v.slot <> all(dropped);
      if place is not null then
        select keys[place] as key, wrapped_keys[place] as wrapped, sealed_values[place] as sealed into value;
      end if;
      if expected = 0 then
        insert into pf.secrets (tenant, name, revision, latest, key_id, sealed, current_key_id, current_wrapped_key,
            current_sealed)
          values (of_tenant, of_name, 1, new_latest, head_key, head_sealed, value.key, value.wrapped, value.sealed)
          on conflict do nothing;
      else
        update pf.secrets s
          set revision = expected + 1, latest = new_latest, key_id = head_key, sealed = head_sealed,
            current_key_id = value.key, current_wrapped_key = value.wrapped, current_sealed = value.sealed
          where s.tenant = of_tenant and s.name = of_name and s.revision = expected;
      end if;
      if not found then return false; end if;
      if cardinality(dropped) > 0 then
        delete from pf.secret_values v
          where v.tenant = of_tenant and v.name = of_name and v.slot = any(dropped);
      end if;
      if cardinality(slots) > 0 then
        insert into pf.secret_values (tenant, name, slot, key_id, wrapped_key, sealed)
          select of_tenant, of_name, p.* from unnest(slots, keys, wrapped_keys, sealed_values) p
          on conflict (tenant, name, slot) do update
            set key_id = excluded.key_id, wrapped_key = excluded.wrapped_key, sealed = excluded.sealed;
      end if;
      return true;
    end $$;

    -- Its keys are locked first, so that what is written meanwhile waits and then finds them gone.
    create function pf.erase_secrets(of_tenant text) returns void
      language plpgsql set search_path = pg_catalog, pg_temp
    as $$
    begin
      perform from pf.secret_tenant_keys k where k.tenant = of_tenant order by k.key_id for update;
      delete from pf.secret_values v where v.tenant = of_tenant;
      delete from pf.secrets s where s.tenant = of_tenant;
      delete from pf.secret_tenant_keys k where k.tenant = of_tenant;
    end $$;
    revoke all on function pf.erase_secrets(text), pf.change_secret(text, text, bigint, int, text, bytea, int[], text[],
      bytea[], bytea[], int[]) from public;
    grant execute on function pf.erase_secrets(text), pf.change_secret(text, text, bigint, int, text, bytea, int[], text[],
      bytea[], bytea[], int[]) to pf_secrets;

    grant select, insert, delete on pf.secret_root_keys, pf.secret_tenant_keys, pf.secrets, pf.secret_values to pf_secrets;
    grant update (root_key_id, wrapped) on pf.secret_tenant_keys to pf_secrets;
    grant update (revision, latest, key_id, sealed, current_key_id, current_wrapped_key, current_sealed) on pf.secrets
      to pf_secrets;
    grant update (key_id, wrapped_key, sealed) on pf.secret_values to pf_secrets;

    do $$
    declare one text;
    begin
      foreach one in array array['secret_root_keys', 'secret_tenant_keys', 'secrets', 'secret_values'] loop
        execute format('alter table pf.%I enable row level security, force row level security', one);
      end loop;
      foreach one in array array['secret_tenant_keys', 'secrets', 'secret_values'] loop
        -- The sub-select makes it one call a query, and leaves an index on tenant usable.
        execute format('create policy service on pf.%I to pf_secrets
          using (tenant = (select pf.current_tenant())) with check (tenant = (select pf.current_tenant()))', one);
      end loop;
    end $$;
    create policy store on pf.secret_tenant_keys for select to pf_secrets
      using ((select pf.current_tenant()) is null);
    create policy store on pf.secret_root_keys to pf_secrets
      using ((select pf.current_tenant()) is null) with check ((select pf.current_tenant()) is null);
  `,
  down: `
    drop function pf.erase_secrets(text);
    drop function pf.change_secret(text, text, bigint, int, text, bytea, int[], text[], bytea[], bytea[], int[]);
    drop table pf.secret_values, pf.secrets, pf.secret_tenant_keys, pf.secret_root_keys;
  `,
};
