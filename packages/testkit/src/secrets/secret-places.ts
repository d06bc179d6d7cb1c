import {
  asSecretName,
  asSecretTenant,
  type SecretName,
  type SecretPlace,
  type SecretTenant,
} from '@provability-fabric/secrets';

let tenants = 0;

/** A tenant that no other test of this process has. */
export function newTenant(): SecretTenant {
  return asSecretTenant(`tenant-${process.pid}-${++tenants}`);
}

export function placeOf(name = 'db/primary', tenant: SecretTenant = newTenant()): SecretPlace {
  return { tenant, name: asSecretName(name) };
}

/** As nobody may build one: what a service that forgot to check would hand on. */
export function uncheckedPlace(name: string, tenant: string = newTenant()): SecretPlace {
  return { tenant: tenant as SecretTenant, name: name as SecretName };
}

/** What path builders, proxies and stores have been taken in by. */
export const HOSTILE_NAMES: readonly string[] = [
  '../t2/db',
  '..',
  'a/../b',
  'a..b',
  './a',
  '/a',
  'a/',
  'a//b',
  'k?version=1',
  'k#current',
  '%2e%2e/t2',
  '%2e%2e%2ft2',
  'a%00b',
  'a\u0000b',
  'a\\b',
  'a b',
  'a\nb',
  'раssword',
  'ﬁle',
  'a\u202eb',
  '_staged/db',
  '',
  'a'.repeat(256),
];
