import { hex } from '../bytes/hex.ts';
import { IdError } from '../errors.ts';
import { withCanonicalBytes } from '../json/canonical.ts';
import type { JsonValue } from '../json/value.ts';
import type { Crypto } from './crypto.ts';

declare const brand: unique symbol;

/** SHA-256 as 64 lowercase hexadecimal digits. */
export type Digest = string & { readonly [brand]: 'Digest' };

export function digestOf(crypto: Crypto, bytes: Uint8Array): Digest {
  return (crypto.sha256Hex?.(bytes) ?? hex(crypto.sha256(bytes))) as Digest;
}

/** The digest of a value's canonical form: equal for every spelling of the same JSON. */
export function digestJson(crypto: Crypto, value: JsonValue): Digest {
  return withCanonicalBytes(value, (bytes) => digestOf(crypto, bytes));
}

export function asDigest(text: string): Digest {
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new IdError(
      `expected a SHA-256 digest of 64 lowercase hex digits, got \`${text.length}\` characters`,
    );
  }
  return text as Digest;
}
