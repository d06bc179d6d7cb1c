import { SecretError } from '../errors.ts';
import type { SecretPlace } from '../names.ts';
import type { StoredSecret } from '../provider.ts';
import type { RotatingProvider } from './ports.ts';

export async function currentVersion(place: SecretPlace, provider: RotatingProvider): Promise<number> {
  const { versions } = await provider.describe(place);
  const current = versions.find(({ state }) => state === 'current');
  if (current !== undefined) return current.version;
  throw new SecretError('SECRET_DELETED', 'expected a secret with a current version, got one without');
}

/**
 * Asks which version that is before it reads it: a cache may hold the current value of a moment ago, but a version has one
 * value for ever.
 */
export async function readCurrent(place: SecretPlace, provider: RotatingProvider): Promise<StoredSecret> {
  return provider.read(place, await currentVersion(place, provider));
}
