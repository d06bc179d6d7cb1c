import { SecretError } from '../errors.ts';

/** One of so many writers at once wins each time. */
const ATTEMPTS = 16;

/** Reads and writes anew while another writer comes in between. */
export async function raced<T>(attempt: () => Promise<T | 'again'>): Promise<T> {
  for (let count = 0; count < ATTEMPTS; count++) {
    const outcome = await attempt();
    if (outcome !== 'again') return outcome;
  }
  throw new SecretError(
    'SECRET_CONFLICT',
    `expected a moment without other writers, met one in each of \`${ATTEMPTS}\` attempts; nothing was written, try later`,
  );
}

export function notCurrent(expected: number, current: number): SecretError {
  return new SecretError(
    'SECRET_CONFLICT',
    `expected version \`${expected}\` to be the current one, it is version \`${current}\`; read it and decide again`,
  );
}

export function casMissing(): SecretError {
  return new SecretError(
    'SECRET_CONFLICT',
    'expected the version that this write replaces, since the secret demands it; give `cas`',
  );
}

export function notFound(): SecretError {
  return new SecretError('SECRET_NOT_FOUND', 'expected a secret of this name, there is none');
}

export function notStaged(): SecretError {
  return new SecretError(
    'SECRET_CONFLICT',
    'expected a value that is staged under this token: it was discarded, or another rotation has staged its own',
  );
}
