import { SecretError } from './errors.ts';
import type { VersionReference } from './provider.ts';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
const LETTERS = 6;
/** The largest multiple of 36 that a byte can be below: bytes above it would favour the first letters. */
const FAIR = 252;
const VERSION_ID = /^v[0-9]{1,16}-[0-9a-z]{6}$/;
const MAX_DESCRIPTION = 512;
const MAX_AUTHOR = 320;

/** `v<ms since 1970>-<6 of 0-9 a-z>`. */
export function makeVersionId(at: number, random: (bytes: number) => Uint8Array): string {
  let letters = '';
  while (letters.length < LETTERS)
    for (const byte of random(2 * LETTERS))
      if (byte < FAIR && letters.length < LETTERS) letters += ALPHABET.charAt(byte % ALPHABET.length);
  return `v${Math.trunc(at)}-${letters}`;
}

/** Throws SECRET_VERSION_NOT_FOUND for what no version can be known by; the message does not repeat it. */
export function checkVersionReference(reference: VersionReference): VersionReference {
  const known =
    reference === 'current' ||
    (typeof reference === 'number'
      ? Number.isSafeInteger(reference) && reference >= 1
      : VERSION_ID.test(reference));
  if (!known) throw versionNotFound();
  return reference;
}

export function versionNotFound(): SecretError {
  return new SecretError(
    'SECRET_VERSION_NOT_FOUND',
    'expected a version that the secret has: its number, its id `v<ms>-<6 letters>` or `current`; list the versions',
  );
}

/** Throws SECRET_REQUEST_INVALID. */
export function checkWords(words: { readonly author: string; readonly description?: string }): void {
  if (words.author.length === 0 || words.author.length > MAX_AUTHOR)
    throw new SecretError('SECRET_REQUEST_INVALID', `expected an author of 1 to ${MAX_AUTHOR} characters`);
  if ((words.description ?? '').length > MAX_DESCRIPTION)
    throw new SecretError(
      'SECRET_REQUEST_INVALID',
      `expected a description of at most ${MAX_DESCRIPTION} characters`,
    );
}
