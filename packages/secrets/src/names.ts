import { SecretError } from './errors.ts';

declare const branded: unique symbol;
/** `db/primary`: segments out of `A-Z a-z 0-9 . _ -` that begin with a letter or digit, joined by `/`; 255 at most. */
export type SecretName = string & { readonly [branded]: 'SecretName' };
/** A tenant that may have secrets: its id is a segment of paths in every provider. */
export type SecretTenant = string & { readonly [branded]: 'SecretTenant' };

/** Where a secret is. Nobody but the service builds one: the tenant is the caller's, never a part of a name. */
export interface SecretPlace {
  readonly tenant: SecretTenant;
  readonly name: SecretName;
}

const MAX_NAME_LENGTH = 255;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,126}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,126}){0,15}$/;
const TENANT = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,119}$/;

/** Throws SECRET_NAME_INVALID; the message does not repeat the name, which may be anything. */
export function asSecretName(text: string): SecretName {
  if (text.length <= MAX_NAME_LENGTH && NAME.test(text) && !hasTraversal(text)) return text as SecretName;
  throw new SecretError(
    'SECRET_NAME_INVALID',
    'expected a secret name like `db/primary`: 1 to 255 characters, segments out of A-Z a-z 0-9 . _ - that begin with a ' +
      'letter or digit, joined by `/`',
  );
}

/** Throws SECRET_NAME_INVALID. */
export function asSecretTenant(text: string): SecretTenant {
  if (TENANT.test(text) && !hasTraversal(text)) return text as SecretTenant;
  throw new SecretError(
    'SECRET_NAME_INVALID',
    'expected a tenant that may have secrets: 1 to 120 characters out of A-Z a-z 0-9 . _ @ + -, a letter or digit first',
  );
}

const PREFIX = /^(?:[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*\/?)?$/;

/** What names may begin with; empty: all. Throws SECRET_NAME_INVALID. */
export function asNamePrefix(text: string): string {
  if (text.length <= MAX_NAME_LENGTH && PREFIX.test(text) && !hasTraversal(text)) return text;
  throw new SecretError(
    'SECRET_NAME_INVALID',
    'expected the beginning of secret names: at most 255 characters out of A-Z a-z 0-9 . _ - and `/`, no wildcard',
  );
}

/** Throws SECRET_NAME_INVALID: a place may come from code that forgot to check. */
export function checkPlace(place: SecretPlace): SecretPlace {
  return { tenant: asSecretTenant(place.tenant), name: asSecretName(place.name) };
}

/** What some stores and proxies fold into the folder above. */
function hasTraversal(text: string): boolean {
  return text.includes('..');
}
