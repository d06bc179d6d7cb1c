import { describe, expect, it } from 'vitest';
import { readSecretsSettings } from './secrets-settings.ts';
import { isSoleWriter, refreshMsOf } from './sole-writer.ts';

const VAULT = { SECRETS_PROVIDER: 'vault', VAULT_ADDR: 'https://vault.example', VAULT_K8S_ROLE: 'app' };
const AWS = { SECRETS_PROVIDER: 'aws' };
const REDIS = { REDIS_URL: 'redis://cache:6379/0' };

describe('who writes to the store of secrets', () => {
  it.each([
    ['nobody else, where store and database are our own', {}, true, true, 3_600_000],
    ['other fabrics, in a database that others have', {}, false, false, 30_000],
    ['other fabrics, which tell of it over Redis', REDIS, false, false, 600_000],
    ['anybody with access to Vault, whosever the database is', VAULT, true, false, 30_000],
    [
      'anybody with access to Vault, whom Redis does not tell of',
      { ...VAULT, ...REDIS },
      false,
      false,
      30_000,
    ],
    ['anybody with access to AWS, whosever the database is', AWS, true, false, 30_000],
  ])('%s', (_who, variables, ownsDatabase, sole, refreshMs) => {
    const settings = readSecretsSettings(variables);
    expect(isSoleWriter(settings, ownsDatabase)).toBe(sole);
    expect(refreshMsOf(settings, ownsDatabase)).toBe(refreshMs);
  });
});
