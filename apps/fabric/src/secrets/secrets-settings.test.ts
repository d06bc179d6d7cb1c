import { describe, expect, it } from 'vitest';
import { readSecretsSettings } from './secrets-settings.ts';

const CANARY = 'hvs.canary-token';

describe('what the environment says of secrets is refused', () => {
  it.each([
    [{ SECRETS_PROVIDER: 'azure' }, 'SECRETS_PROVIDER: there is no provider for Azure Key Vault'],
    [{ SECRETS_PROVIDER: 'Vault' }, 'SECRETS_PROVIDER: expected embedded, vault or aws, came `Vault`'],
    [{ SECRETS_PROVIDER: 'vault' }, 'VAULT_ADDR: expected it'],
    [
      { SECRETS_PROVIDER: 'vault', VAULT_ADDR: 'http://u:p@vault:8200' },
      'VAULT_ADDR: expected an http or https address',
    ],
    [{ SECRETS_PROVIDER: 'vault', VAULT_ADDR: 'https://vault:8200' }, 'expected one of VAULT_K8S_ROLE'],
    [
      {
        SECRETS_PROVIDER: 'vault',
        VAULT_ADDR: 'https://vault:8200',
        VAULT_K8S_ROLE: 'a',
        VAULT_TOKEN_FILE: '/t',
      },
      'came 2',
    ],
    [
      { SECRETS_PROVIDER: 'vault', VAULT_ADDR: 'https://vault:8200', VAULT_TOKEN: CANARY },
      'VAULT_TOKEN: expected VAULT_TOKEN_FILE',
    ],
    [
      { SECRETS_PROVIDER: 'vault', VAULT_ADDR: 'https://vault:8200', VAULT_ROLE_ID: 'r' },
      'VAULT_SECRET_ID_FILE: expected it',
    ],
    [{ AUDIT_LOG_ENABLED: 'false' }, 'AUDIT_LOG_ENABLED: expected `true` or nothing'],
    [{ CACHE_ENCRYPTION_ENABLED: 'no' }, 'CACHE_ENCRYPTION_ENABLED'],
    [{ CACHE_ENCRYPTION_ALGORITHM: 'aes-128-cbc' }, 'CACHE_ENCRYPTION_ALGORITHM'],
    [{ CACHE_ENCRYPTION_KEY: CANARY }, 'CACHE_ENCRYPTION_KEY'],
    [{ CACHE_TTL: '900' }, 'CACHE_TTL: expected milliseconds from 1000'],
    [{ CACHE_TTL: '5m', SECRETS_CACHE_TTL: '6m' }, 'CACHE_TTL: expected nothing beside'],
    [{ SECRETS_CACHE_TTL: '2d' }, 'SECRETS_CACHE_TTL'],
    [{ SECRET_MAX_VERSIONS: '0' }, 'SECRET_MAX_VERSIONS: expected a whole number from 1 to 100'],
    [{ SECRETS_ENVIRONMENT: '../staging' }, 'SECRETS_ENVIRONMENT'],
    [
      { SECRETS_ROOT_KEY_FILE: '/a', SECRETS_ROOT_PASSPHRASE_FILE: '/b' },
      'SECRETS_ROOT_KEY_FILE: expected it or',
    ],
    [{ REDIS_URL: `http://:${CANARY}@cache` }, 'REDIS_URL: expected an address'],
    [{ SECRETS_VOLUME_WATCH_ENABLED: 'yes' }, 'SECRETS_VOLUME_WATCH_ENABLED'],
    [{ SECRETS_WEBHOOK_ADDRESSES: '169.254.0.0/33' }, 'SECRETS_WEBHOOK_ADDRESSES'],
    [{ SECRETS_WEBHOOK_ADDRESSES: 'example.com' }, 'SECRETS_WEBHOOK_ADDRESSES'],
    [
      { SECRETS_VOLUME_WATCH_ENABLED: 'true', SECRETS_WATCH_POLL_INTERVAL: '5s' },
      'SECRETS_WATCH_POLL_INTERVAL',
    ],
  ])('%j', (variables, problem) => {
    let message = '';
    try {
      readSecretsSettings(variables);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(problem);
    expect(message).not.toContain(CANARY);
  });
});

describe('what the environment says of secrets', () => {
  it('has a default for everything, and none of them is a secret', () => {
    expect(readSecretsSettings({})).toEqual({
      provider: { kind: 'embedded' },
      environment: 'production',
      rootKey: null,
      nextRootKey: null,
      cacheTtlMs: 300_000,
      maxVersions: 10,
      redisUrl: null,
      volume: null,
      webhooks: { allowLoopback: false, allowed: [] },
      csiFile: null,
    });
  });

  it('chooses the provider', () => {
    const vault = { SECRETS_PROVIDER: 'vault', VAULT_ADDR: 'https://vault:8200', VAULT_K8S_ROLE: 'app' };
    expect(readSecretsSettings(vault).provider).toMatchObject({
      kind: 'vault',
      namespace: null,
      login: {
        kind: 'kubernetes',
        role: 'app',
        tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
      },
    });
    expect(readSecretsSettings({ SECRETS_PROVIDER: 'aws' }).provider).toMatchObject({ region: 'us-east-1' });
  });

  it('takes the milliseconds of the original, or a unit', () => {
    expect(readSecretsSettings({ CACHE_TTL: '900000' }).cacheTtlMs).toBe(900_000);
    expect(readSecretsSettings({ SECRETS_CACHE_TTL: '15m' }).cacheTtlMs).toBe(900_000);
    expect(readSecretsSettings({ SECRETS_CACHE_TTL: '0' }).cacheTtlMs).toBe(0);
  });

  it('watches a mounted folder where it is told to', () => {
    expect(readSecretsSettings({ SECRETS_VOLUME_WATCH_ENABLED: 'true' }).volume).toEqual({
      path: '/mnt/secrets',
      pollMs: 5_000,
      debounceMs: 1_000,
      healthCheckMs: 30_000,
    });
  });
});
