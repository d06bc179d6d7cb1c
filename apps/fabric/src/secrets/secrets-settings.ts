import { isIP } from 'node:net';
import { parseDuration } from '@provability-fabric/configuration';
import {
  count,
  invalid,
  type Read,
  readerOf,
  redisUrl,
  type Variables,
  word,
} from '../environment-variables.ts';

/** How Vault or OpenBao is logged in to. */
export type VaultLogin =
  | { readonly kind: 'token'; readonly tokenFile: string }
  | { readonly kind: 'approle'; readonly roleId: string; readonly secretIdFile: string }
  | { readonly kind: 'kubernetes'; readonly role: string; readonly tokenFile: string };

export type ProviderSettings =
  | { readonly kind: 'embedded' }
  | {
      readonly kind: 'vault';
      readonly address: string;
      readonly namespace: string | null;
      readonly mount: string;
      readonly caFile: string | null;
      readonly login: VaultLogin;
    }
  | { readonly kind: 'aws'; readonly region: string; readonly endpoint: string | null };

/** Where the root key of the embedded provider comes from; null: the service stays sealed, or makes a key of its own. */
export type RootKeySource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'passphrase'; readonly path: string };

export interface VolumeSettings {
  readonly path: string;
  readonly pollMs: number;
  readonly debounceMs: number;
  readonly healthCheckMs: number;
}

/** What the environment's variables say of the secrets service; each is in docs/reference/config.md. */
export interface SecretsSettings {
  readonly provider: ProviderSettings;
  /** The `{env}` in the paths of Vault and AWS. */
  readonly environment: string;
  readonly rootKey: RootKeySource | null;
  /** A root key that is to be in force: known beforehand, so that no replica is sealed by the change. */
  readonly nextRootKey: RootKeySource | null;
  readonly cacheTtlMs: number;
  readonly maxVersions: number;
  /** Holds a password at times: no message repeats it. */
  readonly redisUrl: string | null;
  /** null: no mounted folder is watched. */
  readonly volume: VolumeSettings | null;
  /** Where rotations may send what is sealed to a target. */
  readonly webhooks: { readonly allowLoopback: boolean; readonly allowed: readonly string[] };
  /** Settings of the Secrets Store CSI provider; null: there is none. */
  readonly csiFile: string | null;
}

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Throws CONFIG_INVALID, which names the variable and repeats no value that could be a secret. */
export function readSecretsSettings(variables: Variables): SecretsSettings {
  const read = readerOf(variables);
  refuseWhatCannotBeOff(read);
  return {
    provider: providerFrom(read),
    environment: word(read, 'SECRETS_ENVIRONMENT', 'production'),
    rootKey: rootKeyFrom(read, 'SECRETS_ROOT_KEY_FILE', 'SECRETS_ROOT_PASSPHRASE_FILE'),
    nextRootKey: rootKeyFrom(read, 'SECRETS_NEXT_ROOT_KEY_FILE', 'SECRETS_NEXT_ROOT_PASSPHRASE_FILE'),
    cacheTtlMs: cacheTtl(read),
    maxVersions: count(read, 'SECRET_MAX_VERSIONS', 10, 1, 100),
    redisUrl: redisUrl(read),
    volume: volumeFrom(read),
    webhooks: {
      allowLoopback: flag(read, 'SECRETS_WEBHOOK_LOOPBACK'),
      allowed: addresses(read, 'SECRETS_WEBHOOK_ADDRESSES'),
    },
    csiFile: read('SECRETS_CSI_FILE') ?? null,
  };
}

function providerFrom(read: Read): ProviderSettings {
  const kind = read('SECRETS_PROVIDER') ?? 'embedded';
  switch (kind) {
    case 'embedded':
      return { kind };
    case 'vault':
      return {
        kind,
        address: httpAddress('VAULT_ADDR', needed(read, 'VAULT_ADDR', 'SECRETS_PROVIDER=vault')),
        namespace: read('VAULT_NAMESPACE') ?? null,
        mount: word(read, 'VAULT_MOUNT', 'secret'),
        caFile: read('VAULT_CACERT') ?? null,
        login: vaultLogin(read),
      };
    case 'aws': {
      const endpoint = read('AWS_ENDPOINT_URL_SECRETS_MANAGER');
      return {
        kind,
        region: word(read, 'AWS_REGION', 'us-east-1'),
        endpoint: endpoint === undefined ? null : httpAddress('AWS_ENDPOINT_URL_SECRETS_MANAGER', endpoint),
      };
    }
    case 'azure':
      throw invalid(
        'SECRETS_PROVIDER: there is no provider for Azure Key Vault; expected embedded, vault or aws',
      );
    default:
      throw invalid(`SECRETS_PROVIDER: expected embedded, vault or aws, came \`${kind.slice(0, 40)}\``);
  }
}

function vaultLogin(read: Read): VaultLogin {
  if (read('VAULT_TOKEN') !== undefined)
    throw invalid(
      'VAULT_TOKEN: expected VAULT_TOKEN_FILE, a file with the token; variables are seen by every child process',
    );
  const tokenFile = read('VAULT_TOKEN_FILE');
  const roleId = read('VAULT_ROLE_ID');
  const role = read('VAULT_K8S_ROLE');
  const named = [tokenFile, roleId, role].filter((one) => one !== undefined);
  if (named.length !== 1)
    throw invalid(
      'SECRETS_PROVIDER=vault: expected one of VAULT_K8S_ROLE, VAULT_ROLE_ID (with VAULT_SECRET_ID_FILE) and ' +
        `VAULT_TOKEN_FILE, came ${named.length}`,
    );
  if (tokenFile !== undefined) return { kind: 'token', tokenFile };
  if (roleId !== undefined)
    return { kind: 'approle', roleId, secretIdFile: needed(read, 'VAULT_SECRET_ID_FILE', 'VAULT_ROLE_ID') };
  const serviceAccount = read('VAULT_K8S_TOKEN_FILE') ?? SERVICE_ACCOUNT_TOKEN;
  return { kind: 'kubernetes', role: role as string, tokenFile: serviceAccount };
}

function rootKeyFrom(read: Read, file: string, passphrase: string): RootKeySource | null {
  const [path, phrase] = [read(file), read(passphrase)];
  if (path !== undefined && phrase !== undefined)
    throw invalid(`${file}: expected it or ${passphrase}, came both`);
  if (path !== undefined) return { kind: 'file', path };
  return phrase === undefined ? null : { kind: 'passphrase', path: phrase };
}

/** The original's switches: audit and encryption of the cache are not for sale here. */
function refuseWhatCannotBeOff(read: Read): void {
  for (const name of ['AUDIT_LOG_ENABLED', 'CACHE_ENCRYPTION_ENABLED', 'SECRETS_MANAGER_ENABLED']) {
    const value = read(name);
    if (value !== undefined && value !== 'true')
      throw invalid(`${name}: expected \`true\` or nothing, since it cannot be switched off`);
  }
  const algorithm = read('CACHE_ENCRYPTION_ALGORITHM');
  if (algorithm !== undefined && algorithm.toLowerCase() !== 'aes-256-gcm')
    throw invalid('CACHE_ENCRYPTION_ALGORITHM: expected aes-256-gcm or nothing');
  if (read('CACHE_ENCRYPTION_KEY') !== undefined)
    throw invalid(
      'CACHE_ENCRYPTION_KEY: expected nothing; each process makes a key of its own and forgets it',
    );
}

function cacheTtl(read: Read): number {
  const [own, other] = [read('SECRETS_CACHE_TTL'), read('CACHE_TTL')];
  if (own !== undefined && other !== undefined && own !== other)
    throw invalid('CACHE_TTL: expected nothing beside SECRETS_CACHE_TTL, or the same');
  const name = own === undefined ? 'CACHE_TTL' : 'SECRETS_CACHE_TTL';
  const text = own ?? other;
  if (text === undefined) return 300_000;
  const bare = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  const ms = bare ?? parseDuration(text) ?? Number.NaN;
  // `900` was once meant as seconds and read as milliseconds: what is as short as that names its unit.
  const isMeant = bare === undefined || bare === 0 || bare >= 1000;
  if (isMeant && ms >= 0 && ms <= 86_400_000) return ms;
  throw invalid(
    `${name}: expected milliseconds from 1000 to 86400000, 0 for no cache, or a duration like 15m, came \`${text.slice(0, 20)}\``,
  );
}

function volumeFrom(read: Read): VolumeSettings | null {
  if (!flag(read, 'SECRETS_VOLUME_WATCH_ENABLED')) return null;
  return {
    path: read('SECRETS_MOUNT_PATH') ?? '/mnt/secrets',
    pollMs: count(read, 'SECRETS_WATCH_POLL_INTERVAL', 5_000, 100, 3_600_000),
    debounceMs: count(read, 'SECRETS_WATCH_DEBOUNCE_MS', 1_000, 0, 60_000),
    healthCheckMs: count(read, 'SECRETS_HEALTH_CHECK_INTERVAL', 30_000, 1_000, 3_600_000),
  };
}

function flag(read: Read, name: string): boolean {
  const value = read(name) ?? 'false';
  if (value === 'true' || value === 'false') return value === 'true';
  throw invalid(`${name}: expected true or false, came \`${value.slice(0, 20)}\``);
}

/** Addresses and ranges, separated by commas. */
function addresses(read: Read, name: string): readonly string[] {
  const listed = (read(name) ?? '').split(',').map((one) => one.trim());
  const named = listed.filter((one) => one !== '');
  for (const one of named) {
    const [address = '', length = '0'] = one.split('/');
    const most = isIP(address) === 4 ? 32 : 128;
    if (isIP(address) === 0 || !/^\d{1,3}$/.test(length) || Number(length) > most)
      throw invalid(
        `${name}: expected addresses like 169.254.10.1 or 169.254.10.0/24, came \`${one.slice(0, 60)}\``,
      );
  }
  return named;
}

function httpAddress(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '')
    return text;
  throw invalid(`${name}: expected an http or https address without credentials`);
}

function needed(read: Read, name: string, because: string): string {
  const value = read(name);
  if (value === undefined) throw invalid(`${name}: expected it beside ${because}, came nothing`);
  return value;
}
