import type { Migration } from './migration.ts';

/**
 * In which order root keys were put on record: while one is changed there are two, and the newer one is what keys are wrapped
 * by. Their ids are random and say nothing of it.
 */
export const ROOT_KEY_ORDER: Migration = {
  version: 10,
  name: 'root_key_order',
  up: 'alter table pf.secret_root_keys add column added bigint not null generated always as identity;',
  down: 'alter table pf.secret_root_keys drop column added;',
};
