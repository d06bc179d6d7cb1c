import { createSecretKey, type KeyObject } from 'node:crypto';
import { open, type RandomBytes, seal } from '../embedded/cipher.ts';
import type { SecretPlace } from '../names.ts';
import type { StoredSecret } from '../provider.ts';

/** One version as the cache keeps it: ciphertext under a key of this process, which is written down nowhere. */
export interface SealedEntry {
  readonly version: number;
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly loadedAt: number;
}

/** Bound: tenant, name and version: an entry opens as nothing but what it is. */
export class EntrySealer {
  readonly #key: KeyObject;
  readonly #random: RandomBytes;

  constructor(random: RandomBytes) {
    this.#random = random;
    this.#key = createSecretKey(random(32));
  }

  seal(place: SecretPlace, secret: StoredSecret, loadedAt: number): SealedEntry {
    const { version, id } = secret.version;
    const plain = Buffer.from(JSON.stringify(secret), 'utf8');
    const bytes = seal(this.#key, bindingOf(place, version), plain, this.#random);
    plain.fill(0);
    return { version, id, bytes, loadedAt };
  }

  /** Throws PROVIDER_INCONSISTENT for the entry of another place. */
  open(place: SecretPlace, entry: SealedEntry): StoredSecret {
    const plain = open(this.#key, bindingOf(place, entry.version), entry.bytes);
    const secret = JSON.parse(plain.toString('utf8')) as StoredSecret;
    plain.fill(0);
    return secret;
  }
}

function bindingOf(place: SecretPlace, version: number) {
  return ['cache entry', place.tenant, place.name, version];
}
