import type { RandomBytes } from '../embedded/cipher.ts';
import type { RootKeyRow } from '../ports.ts';

/** Where a root key comes from. The parameters on record are not secret, and useless without the source. */
export interface RootKeySource {
  readonly kind: RootKeyRow['source'];
  /** A key that is not on record yet. Throws SECRETS_SEALED naming what is wrong with the source. */
  make(random: RandomBytes): Promise<{ readonly key: Uint8Array; readonly parameters: Uint8Array }>;
  /** The key that belongs to parameters on record; null: cannot be this source's. */
  derive(parameters: Uint8Array): Promise<Uint8Array | null>;
}
