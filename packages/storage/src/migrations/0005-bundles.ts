import type { Migration } from './migration.ts';

/**
 * Bundles on their way into force in every fabric on this database, one row a version. A row is never changed
 * and never goes: no role may update or delete. A transaction of pf_writer for one tenant adds bundles of that
 * tenant alone; one for no tenant is the platform's own. A tenant sees which bundles decide for it, and neither
 * the rules nor whom else they decide for.
 *
 * Whoever adds one holds the row of `pf.bundle_state` until the commit, so that versions only go up; `change`
 * counts, for those who look whether there is something new (a row and no advisory lock: see 0003).
 */
export const BUNDLES: Migration = {
  version: 5,
  name: 'bundles',
  up: `
    create table pf.bundle_state (
      only_one boolean primary key default true check (only_one),
      change bigint not null
    );
    insert into pf.bundle_state (change) values (0);

    create table pf.bundles (
      name text not null check (name ~ '^[a-z0-9-]{1,64}$'),
      version bigint not null check (version > 0),
      -- SHA-256 of the content, in hex
      digest text not null check (digest ~ '^[0-9a-f]{64}$'),
      -- whom it decides for, as the content says
      tenants text[] not null check (cardinality(tenants) > 0),
      -- the compiled bundle, canonical JSON
      content bytea not null check (octet_length(content) <= 16777216),
      -- signed over name, version and digest: what makes the row one of ours
      note text not null check (length(note) <= 4096),
      published_by text not null,
      -- milliseconds since 1970
      published_at bigint not null,
      primary key (name, version)
    );
    -- Certificates name a bundle by its digest.
    create index bundles_by_digest on pf.bundles (digest);

    grant select on pf.bundle_state to pf_writer, pf_auditor;
    grant update (change) on pf.bundle_state to pf_writer;
    grant select, insert on pf.bundles to pf_writer;
    grant select on pf.bundles to pf_auditor;
    grant select (name, version, digest, note, published_at) on pf.bundles to pf_reader;

    alter table pf.bundle_state enable row level security, force row level security;
    create policy writer on pf.bundle_state to pf_writer using (true) with check (true);
    create policy auditor on pf.bundle_state for select to pf_auditor using (true);
    alter table pf.bundles enable row level security, force row level security;
    -- It has to see the highest version, whosever it is.
    create policy writer_reads on pf.bundles for select to pf_writer using (true);
    create policy writer on pf.bundles for insert to pf_writer
      with check ((select pf.current_tenant()) is null or tenants = array[(select pf.current_tenant())]);
    create policy auditor on pf.bundles for select to pf_auditor using (true);
    create policy reader on pf.bundles for select to pf_reader
      using ((select pf.current_tenant()) = any(tenants));
  `,
  down: 'drop table pf.bundle_state, pf.bundles;',
};
