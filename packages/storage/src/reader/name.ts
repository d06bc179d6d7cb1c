import { LedgerError } from '../errors.ts';

/** As long as a name in a statement may be. */
const LONGEST = 256;

/**
 * A name that PostgreSQL keeps as it is: no NUL, which it refuses, and no lone surrogate, which UTF-8 would
 * turn into a character that another name may have. The name stays out of the message: what arrives in the
 * wrong place is too often a token.
 */
export function requireName(name: string, what: string, longest = LONGEST): string {
  const fits = typeof name === 'string' && name.length > 0 && name.length <= longest;
  if (fits && !/[\0\p{Surrogate}]/u.test(name)) return name;
  throw new LedgerError('BAD_QUERY', `expected ${what} of 1 to ${longest} characters without NUL`);
}
