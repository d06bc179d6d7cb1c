import { choice, digits, either, type Key } from './key.ts';

const where = 'policy-config' as const;
const MODES = ['shadow', 'monitor', 'enforce'] as const;

/** The files of `policy-config/`. */
export const LIVE_KEYS = {
  enforcement_mode: {
    key: 'enforcement_mode',
    where,
    standard: 'enforce',
    effect: 'the strongest mode that any clause acts in; `disabled` weakens all to shadow and says so',
    ...choice([...MODES, 'disabled']),
  },
  default_mode: {
    key: 'default_mode',
    where,
    standard: null,
    effect: "weakens the bundle's default deny; without the file the bundle's own `default_mode` holds",
    ...choice(MODES),
  },
  log_level: {
    key: 'log_level',
    where,
    standard: 'info',
    effect: "the least level that the fabric's log shows",
    ...choice(['debug', 'info', 'warn', 'error']),
  },
  performance_mode: {
    key: 'performance_mode',
    where,
    standard: 'disabled',
    effect: 'enabled: accepted decisions are not logged one by one; no check and no certificate is left out',
    ...either('enabled', 'disabled'),
  },
  cache_size: {
    key: 'cache_size',
    where,
    standard: '10000',
    effect:
      'sessions kept in memory, each for two minutes after its last use; others are read from the log again when they go on',
    ...digits(1, 1_000_000),
  },
  batch_size: {
    key: 'batch_size',
    where,
    standard: '1000',
    effect: 'most entries of one batch to the ledger',
    ...digits(1, 10_000),
  },
  async_processing: {
    key: 'async_processing',
    where,
    standard: 'true',
    effect:
      'false: every answer waits until the ledger has its evidence; true: it waits for the own disk only',
    ...either('true', 'false'),
  },
} satisfies Record<string, Key<unknown>>;
