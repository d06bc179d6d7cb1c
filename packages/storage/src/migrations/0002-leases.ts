import type { Migration } from './migration.ts';

/** Which fabric decides a session. Rows are renewed all the time, so they leave room for their next version. */
export const LEASES: Migration = {
  version: 2,
  name: 'leases',
  up: `
    create table pf.leases (
      tenant text not null,
      session text not null,
      owner text not null,
      -- where the owner takes requests
      address text,
      -- only goes up; pf.sessions has the same for the sequencer
      fence bigint not null,
      assurance text not null check (assurance in ('standard', 'high')),
      -- the owner shipped all of it and gave it up
      released boolean not null,
      -- by the database's clock
      expires_at timestamptz not null,
      primary key (tenant, session)
    ) with (fillfactor = 60);
    -- Not over expires_at: a renewal then changes no index.
    create index leases_by_owner on pf.leases (owner) where not released;

    grant select, insert on pf.leases to pf_writer;
    grant update (owner, address, fence, assurance, released, expires_at) on pf.leases to pf_writer;
    grant select on pf.leases to pf_reader, pf_auditor;
    alter table pf.leases enable row level security, force row level security;
    create policy writer on pf.leases to pf_writer using (true) with check (true);
    create policy auditor on pf.leases for select to pf_auditor using (true);
    create policy reader on pf.leases for select to pf_reader
      using (tenant = (select pf.current_tenant()));
  `,
  down: 'drop table pf.leases;',
};
