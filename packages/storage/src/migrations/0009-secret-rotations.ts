import type { Migration } from './migration.ts';

/**
 * When secrets are to be rotated, and how far each rotation is; no value of a secret. Under the rules of 0007: the service
 * alone, one tenant a transaction; the scheduler's transactions, which are of no tenant, find what is due and move it.
 *
 * A claim of a rotation ends by this server's clock. Its fence goes up with each, and who has an older one writes nothing.
 */
export const SECRET_ROTATIONS: Migration = {
  version: 9,
  name: 'secret_rotations',
  up: `
    -- Times are milliseconds since 1970 by the fabrics' clocks.
    create table pf.secret_schedules (
      tenant text collate "C" not null,
      name text collate "C" not null,
      timing jsonb not null,
      anchor_at bigint not null,
      grace_ms bigint not null,
      rotator text not null,
      options jsonb not null,
      jitter_ms bigint not null,
      windows jsonb not null,
      created_by text not null,
      -- null: only by hand
      next_at bigint,
      planned_at bigint not null,
      primary key (tenant, name)
    );
    create index secret_schedules_by_time on pf.secret_schedules (next_at) where next_at is not null;
    create index secret_schedules_by_plan on pf.secret_schedules (planned_at) where next_at is not null;

    create table pf.secret_rotations (
      tenant text collate "C" not null,
      id uuid not null,
      name text collate "C" not null,
      rotator text not null,
      options jsonb not null,
      cause text not null check (cause in ('schedule', 'manual')),
      asked_by text not null,
      phase text not null check (phase in ('stage', 'set', 'test', 'promote', 'notify', 'grace', 'revoke', 'undo', 'done',
        'failed')),
      attempts int not null,
      due_at bigint not null,
      grace_ms bigint not null,
      previous_version bigint,
      version bigint,
      error_code text,
      started_at bigint not null,
      promoted_at bigint,
      ended_at bigint,
      changed_at bigint not null,
      -- goes up with every claim
      fence bigint not null default 0,
      held_until timestamptz,
      primary key (tenant, id)
    ) with (fillfactor = 60);
    -- One at a time for a secret.
    create unique index secret_rotations_open on pf.secret_rotations (tenant, name)
      where phase not in ('done', 'failed');
    create index secret_rotations_due on pf.secret_rotations (due_at) where phase not in ('done', 'failed');
    create index secret_rotations_by_start on pf.secret_rotations (tenant, started_at, id);

    create table pf.secret_dependants (
      tenant text collate "C" not null,
      name text collate "C" not null,
      service_id text collate "C" not null,
      service_name text not null,
      service_type text not null check (service_type in ('api', 'worker', 'cron', 'function')),
      environment text not null,
      url text,
      primary key (tenant, name, service_id)
    );

    grant select, insert, update, delete on pf.secret_schedules, pf.secret_dependants to pf_secrets;
    grant select, insert, delete on pf.secret_rotations to pf_secrets;
    grant update (phase, attempts, due_at, previous_version, version, error_code, promoted_at, ended_at, changed_at, fence,
      held_until) on pf.secret_rotations to pf_secrets;

    do $$
    declare one text;
    begin
      foreach one in array array['secret_schedules', 'secret_rotations', 'secret_dependants'] loop
        execute format('alter table pf.%I enable row level security, force row level security', one);
        execute format('create policy service on pf.%I to pf_secrets
          using (tenant = (select pf.current_tenant())) with check (tenant = (select pf.current_tenant()))', one);
      end loop;
      foreach one in array array['secret_schedules', 'secret_rotations'] loop
        execute format('create policy scheduler_reads on pf.%I for select to pf_secrets
          using ((select pf.current_tenant()) is null)', one);
      end loop;
    end $$;
    create policy scheduler_claims on pf.secret_rotations for update to pf_secrets
      using ((select pf.current_tenant()) is null) with check ((select pf.current_tenant()) is null);
  `,
  down: 'drop table pf.secret_schedules, pf.secret_rotations, pf.secret_dependants;',
};
