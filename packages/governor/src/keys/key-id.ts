import { GovernorError } from '../errors.ts';

/** Of the file names too: no separator, no dot, no more than a name may be long. */
const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const SCHEME = 'ed25519:';

/** Throws KEY_INVALID. */
export function requireKeyId(id: string): string {
  if (KEY_ID.test(id)) return id;
  throw new GovernorError(
    'KEY_INVALID',
    `expected a key id of 1 to 63 letters, digits, \`-\` and \`_\` that begins with a letter or digit, came ${id.length} characters`,
  );
}

export function isKeyId(id: string): boolean {
  return KEY_ID.test(id);
}

/** The envelope's keyid of a key. */
export function keyidOf(keyId: string): string {
  return `${SCHEME}${keyId}`;
}

/** The key that an envelope's keyid names; undefined for what names none of ours. */
export function keyIdOf(keyid: string): string | undefined {
  const id = keyid.startsWith(SCHEME) ? keyid.slice(SCHEME.length) : '';
  return KEY_ID.test(id) ? id : undefined;
}
