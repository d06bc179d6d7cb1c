import { LRUCache } from 'lru-cache';
import { SecretError } from '../errors.ts';
import type { SecretPlace } from '../names.ts';

const MAX_REMEMBERED = 100_000;

/**
 * What this process has seen of secrets: who restores an old head with its old values (all of them genuine) is caught while
 * the process runs. Across restarts the versions in the audit trail tell.
 */
export class Revisions {
  readonly #seen = new LRUCache<string, { readonly incarnation: string; readonly revision: number }>({
    max: MAX_REMEMBERED,
  });

  /** Throws PROVIDER_INCONSISTENT for an older revision than was seen. */
  check(place: SecretPlace, incarnation: string, revision: number): void {
    const key = keyOf(place);
    const seen = this.#seen.get(key);
    if (seen?.incarnation === incarnation && seen.revision > revision)
      throw new SecretError(
        'PROVIDER_INCONSISTENT',
        `expected revision \`${seen.revision}\` of the secret or a later one, got \`${revision}\`: it was put back`,
      );
    this.#seen.set(key, { incarnation, revision });
  }

  /** What was just written: others may have gone on from there before its writer heard that it was done. */
  note(place: SecretPlace, incarnation: string, revision: number): void {
    const seen = this.#seen.get(keyOf(place));
    if (seen?.incarnation === incarnation && seen.revision > revision) return;
    this.#seen.set(keyOf(place), { incarnation, revision });
  }

  forget(place: SecretPlace): void {
    this.#seen.delete(keyOf(place));
  }
}

/** No tenant holds a slash. */
export function keyOf(place: SecretPlace): string {
  return `${place.tenant}/${place.name}`;
}
