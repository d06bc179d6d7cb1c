import type { Migration } from './migration.ts';

/**
 * Who may still act: epochs, revocations and the tokens that were issued. A transaction of pf_writer for one
 * tenant is bound to that tenant's rows; one for no tenant is the platform's own.
 *
 * `change` numbers epochs and revocations in the order in which they commit: whoever changes something holds
 * the one row of `pf.authority_state` until the commit. From a sequence, a reader that has seen change 5 could
 * miss a change 4 that commits later. A row and no advisory lock: any login could take and keep one of those.
 */
export const AUTHORITY: Migration = {
  version: 3,
  name: 'authority',
  up: `
    create table pf.authority_state (
      only_one boolean primary key default true check (only_one),
      change bigint not null
    );
    insert into pf.authority_state (change) values (0);

    create table pf.epochs (
      tenant text primary key,
      epoch bigint not null check (epoch >= 0),
      raised_by text not null,
      -- milliseconds since 1970
      raised_at bigint not null,
      change bigint not null
    );
    create index epochs_by_change on pf.epochs (change);

    create table pf.revocations (
      -- '*': of the platform, for every tenant
      tenant text not null,
      kind text not null check (kind in ('token', 'principal')),
      id text not null,
      reason text not null,
      revoked_by text not null,
      revoked_at bigint not null,
      change bigint not null,
      primary key (tenant, kind, id)
    );
    create unique index revocations_by_change on pf.revocations (change);
    create index revocations_of_tenant on pf.revocations (tenant, change);

    create table pf.capability_tokens (
      tenant text not null,
      id text not null,
      subject text not null,
      session text,
      audience text not null,
      roles text[] not null,
      capabilities text[] not null,
      epoch bigint not null,
      issued_at bigint not null,
      expires_at bigint not null,
      primary key (tenant, id)
    );
    create index capability_tokens_by_expiry on pf.capability_tokens (tenant, expires_at, id);
    -- For all tenants at once; the expression keeps a tenant's own queries off it (see 0004).
    create index capability_tokens_of_all on pf.capability_tokens ((expires_at + 0), tenant, id);
    create index capability_tokens_by_id on pf.capability_tokens (id);

    grant select on pf.authority_state to pf_writer, pf_auditor;
    grant update (change) on pf.authority_state to pf_writer;
    grant select on pf.epochs, pf.revocations, pf.capability_tokens to pf_writer, pf_reader, pf_auditor;
    grant insert on pf.epochs, pf.revocations, pf.capability_tokens to pf_writer;
    grant update (epoch, raised_by, raised_at, change) on pf.epochs to pf_writer;

    alter table pf.authority_state enable row level security, force row level security;
    create policy writer on pf.authority_state to pf_writer using (true) with check (true);
    create policy auditor on pf.authority_state for select to pf_auditor using (true);
    do $$
    declare one text;
    begin
      foreach one in array array['epochs', 'revocations', 'capability_tokens'] loop
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
    drop table pf.authority_state, pf.epochs, pf.revocations, pf.capability_tokens;
  `,
};
