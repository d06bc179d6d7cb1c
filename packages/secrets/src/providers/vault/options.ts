import { SecretError } from '../../errors.ts';
import { isEncryptedOrLocal } from '../loopback.ts';

/** How we come by a token of Vault's. Files are read again at each login, so that what rotates them needs no restart. */
export type VaultLogin =
  | { readonly kind: 'token'; readonly tokenFile: string }
  | {
      readonly kind: 'approle';
      readonly roleId: string;
      /** Absent for roles with `bind_secret_id=false`. */
      readonly secretIdFile?: string;
      /** Where the method is mounted: `approle`. */
      readonly mount?: string;
    }
  | {
      readonly kind: 'kubernetes';
      readonly role: string;
      /** The pod's own, unless told. */
      readonly tokenFile?: string;
      /** Where the method is mounted: `kubernetes`. */
      readonly mount?: string;
    };

export interface VaultOptions {
  /** VAULT_ADDR. `https:`, or `http:` to this very machine. */
  readonly address: string;
  readonly login: VaultLogin;
  /** VAULT_NAMESPACE; empty: none, which is what Vault's community edition wants. */
  readonly namespace?: string;
  /** Where KV version 2 is mounted: `secret`. */
  readonly mount?: string;
  /** SECRETS_ENVIRONMENT, the first segment of all paths: `production`. */
  readonly environment?: string;
  /** PEM of VAULT_CACERT; absent: the certificate authorities that Node knows. */
  readonly certificateAuthority?: string;
  /** For one answer; 5,000 ms. */
  readonly timeoutMs?: number;
  /** How often something that may be repeated is tried; 3. */
  readonly attempts?: number;
  /** ms since 1970. */
  readonly clock: () => number;
  /** From the operating system. */
  readonly randomBytes: (count: number) => Uint8Array;
}

/** Options with what was not told filled in, and checked. */
export interface VaultSettings {
  readonly base: URL;
  readonly login: VaultLogin;
  readonly namespace: string;
  readonly mount: string;
  readonly environment: string;
  readonly certificateAuthority: string | undefined;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly clock: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
}

const MOUNT = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$/;

/** Throws PROVIDER_UNSUPPORTED. */
export function settingsOf(options: VaultOptions): VaultSettings {
  const { login, namespace = '', mount = 'secret', environment = 'production' } = options;
  const { timeoutMs = 5_000, attempts = 3 } = options;
  if (namespace !== '' && !NAMESPACE.test(namespace))
    throw unsupported('a namespace of Vault like `valuecanvas`, or none');
  for (const path of [mount, 'mount' in login ? (login.mount ?? login.kind) : login.kind])
    if (!MOUNT.test(path)) throw unsupported('mounts of Vault like `secret` and `kubernetes`');
  if (!SEGMENT.test(environment)) throw unsupported('an environment like `production`');
  const base = baseOf(options.address);
  const { certificateAuthority, clock, randomBytes } = options;
  return {
    base,
    login,
    namespace,
    mount,
    environment,
    certificateAuthority,
    timeoutMs,
    attempts,
    clock,
    randomBytes,
  };
}

function baseOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (
    url === undefined ||
    !isEncryptedOrLocal(url) ||
    `${url.username}${url.password}${url.search}${url.hash}` !== ''
  )
    throw unsupported(
      'an address of Vault like `https://vault.example:8200`, without user, password and query; `http:` only for 127.0.0.1, ' +
        '[::1] and localhost',
    );
  return new URL(url.pathname.endsWith('/') ? url.href : `${url.href}/`);
}

function unsupported(expected: string): SecretError {
  return new SecretError('PROVIDER_UNSUPPORTED', `expected ${expected}`);
}
