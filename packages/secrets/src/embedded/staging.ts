import { SecretError } from '../errors.ts';
import type { SecretContent, VersionEntry } from './secret-content.ts';

const TOKEN = /^[A-Za-z0-9._-]{1,128}$/;

/** Throws SECRET_REQUEST_INVALID. */
export function checkToken(token: string): void {
  if (!TOKEN.test(token))
    throw new SecretError(
      'SECRET_REQUEST_INVALID',
      'expected a token of 1 to 128 characters out of A-Z a-z 0-9 . _ -',
    );
}

/** What a staged value is bound to in place of a version's id. */
export function stagedId(token: string): string {
  return `staged:${token}`;
}

/** The version that was promoted from the token; null: it is to be. Throws SECRET_CONFLICT where another is staged, or none. */
export function promotion(content: SecretContent, token: string): VersionEntry | null {
  if (content.staged === token) return null;
  const done = content.versions.find(({ promoted }) => promoted === token);
  if (done !== undefined) return done;
  throw new SecretError(
    'SECRET_CONFLICT',
    'expected a value that is staged under this token: it was discarded, or another rotation has staged its own',
  );
}
