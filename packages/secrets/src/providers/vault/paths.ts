import { createHash } from 'node:crypto';
import { asSecretName, asSecretTenant, type SecretPlace, type SecretTenant } from '../../names.ts';

/**
 * Where in KV a secret is. All is below `<environment>/tenants/<tenant>`, so that one rule of a policy with `*` grants it,
 * and no name of a secret begins with `_`. Names are checked again: whoever built the place may not have.
 */
export interface VaultPaths {
  /** Its versions are the secret's. */
  readonly value: string;
  /** Metadata, for which KV's own would need a wider policy. */
  readonly about: string;
  /** Which value is staged. */
  readonly pointer: string;
  /** Staged values, one for each token. */
  readonly pending: string;
}

export function pathsOf(environment: string, place: SecretPlace): VaultPaths {
  const [folder, name] = [folderOf(environment, place.tenant), asSecretName(place.name)];
  return {
    value: `${folder}/${name}`,
    about: `${folder}/_about/${name}`,
    pointer: `${folder}/_staged/${name}`,
    pending: `${folder}/_pending/${name}`,
  };
}

export function folderOf(environment: string, tenant: SecretTenant): string {
  return `${environment}/tenants/${asSecretTenant(tenant)}`;
}

const PENDING_KEY = /^[0-9a-f]{32}$/;

/** Of a token, which may be any text. */
export function pendingKey(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 32);
}

export function isPendingKey(key: string): boolean {
  return PENDING_KEY.test(key);
}
