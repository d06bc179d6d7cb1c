import type { Secrets } from '@provability-fabric/secrets';

/** The use cases of secrets that a broker in the same process needs. */
export type SecretSource = Pick<Secrets, 'use' | 'liveValues' | 'onChange' | 'admit' | 'perform'>;
