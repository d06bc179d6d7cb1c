import { field, fromUtf8, parseJson } from '@provability-fabric/kernel';
import { ClientError } from '../errors.ts';
import type { TokenSource } from './options.ts';

/** The token of the moment. No message here holds any of it, nor what the source threw. */
export async function bearerFrom(source: TokenSource): Promise<string> {
  const token = typeof source === 'string' ? source : await asked(source);
  // A platform that refuses a header repeats it in its message: what is no token never gets that far.
  if (typeof token === 'string' && /^[A-Za-z0-9._~+/=-]{1,8192}$/.test(token)) return token;
  const came = typeof token === 'string' ? `text of ${token.length} characters` : 'no text';
  throw new ClientError(
    'TOKEN_UNFIT',
    `expected a token of 1 to 8192 characters out of A-Z a-z 0-9 . _ ~ + / = -, came ${came}`,
  );
}

async function asked(source: () => string | Promise<string>): Promise<string> {
  try {
    return await source();
  } catch {
    throw new ClientError('TOKEN_UNFIT', 'expected the token function to give a token, and it threw');
  }
}

/**
 * Whom a capability token names; null where it is of another kind. The service checks it, here it is only
 * read.
 */
export function tenantIn(token: string): string | null {
  try {
    const claims = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(claims), (character) => character.charCodeAt(0));
    const tenant = field(parseJson(fromUtf8(bytes)), 'tenant');
    return typeof tenant === 'string' ? tenant : null;
  } catch {
    return null;
  }
}
