import { SecretError } from '../errors.ts';
import { asSecretName } from '../names.ts';
import type { ListRequest } from '../provider.ts';

const MAX_PREFIX = 255;
const MOST = 1_000;
const PREFIX = /^(?:[A-Za-z0-9][A-Za-z0-9._/-]*)?$/;

/** Throws SECRET_NAME_INVALID for a prefix that no name begins with, SECRET_REQUEST_INVALID for the rest. */
export function checkListRequest({ prefix, limit, cursor }: ListRequest): void {
  if (prefix.length > MAX_PREFIX || !PREFIX.test(prefix) || prefix.includes('..') || prefix.includes('//'))
    throw new SecretError(
      'SECRET_NAME_INVALID',
      'expected a prefix of secret names: at most 255 characters out of A-Z a-z 0-9 . _ - /',
    );
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MOST)
    throw new SecretError('SECRET_REQUEST_INVALID', `expected a limit from 1 to ${MOST}`);
  if (cursor !== undefined && !(isName(cursor) && cursor.startsWith(prefix)))
    throw new SecretError(
      'SECRET_REQUEST_INVALID',
      'expected the cursor of the page before, with the same prefix',
    );
}

export function isName(text: string): boolean {
  try {
    asSecretName(text);
    return true;
  } catch {
    return false;
  }
}
