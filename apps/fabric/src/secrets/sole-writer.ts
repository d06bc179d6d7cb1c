import type { SecretsSettings } from './secrets-settings.ts';

type Settings = Pick<SecretsSettings, 'provider' | 'redisUrl'>;

const HOUR_MS = 3_600_000;

/**
 * Whether no change of a secret can come from elsewhere. Vault and AWS have other writers whosever the database is: people
 * with their own clients, other fabrics, and they tell us of nothing.
 */
export function isSoleWriter({ provider }: Settings, ownsDatabase: boolean): boolean {
  return ownsDatabase && provider.kind === 'embedded';
}

/** How often all fingerprints are read anew, for changes that nobody told of: there are none where nobody else writes. */
export function refreshMsOf(settings: Settings, ownsDatabase: boolean): number {
  if (isSoleWriter(settings, ownsDatabase)) return HOUR_MS;
  // Only what other fabrics write to a store of ours is told over Redis.
  const isTold = settings.redisUrl !== null && settings.provider.kind === 'embedded';
  return isTold ? 10 * 60_000 : 30_000;
}
