import { SecretError } from '../../errors.ts';
import type { SecretPlace } from '../../names.ts';
import type { StagedSecret } from '../../provider.ts';
import { checkValue } from '../../value.ts';
import { fieldsOf, movedValue, placeText } from '../fabric-note.ts';
import { raced } from '../races.ts';
import type { KeyValue } from './key-value.ts';
import { noted, noteOf } from './notes.ts';
import { isPendingKey, pendingKey, type VaultPaths } from './paths.ts';

/** What is staged for a secret. */
export interface Pointer {
  /** Of the document; 0: there is none. */
  readonly version: number;
  readonly token: string | null;
  readonly base: number;
}

/**
 * Staged values. Each has a path of its own by its token, and one document, changed by check-and-set only, points at the
 * one that counts. So a late `discard` of an old rotation cannot take a newer rotation's value away, and no discarded
 * value stays behind among the versions of a path that is used again.
 */
export class Staging {
  readonly #kv: KeyValue;
  readonly #nonce: () => string;

  constructor(kv: KeyValue, nonce: () => string) {
    this.#kv = kv;
    this.#nonce = nonce;
  }

  async pointer(place: SecretPlace, paths: VaultPaths): Promise<Pointer> {
    const kept = await this.#kv.read(paths.pointer);
    if (kept.kind === 'absent') return { version: 0, token: null, base: 0 };
    if (kept.kind !== 'found') return { version: kept.version, token: null, base: 0 };
    const note = noteOf('pointer', place, kept.data);
    if (note === undefined) throw movedValue(place);
    return { version: kept.version, token: note.token, base: note.base };
  }

  async stage(place: SecretPlace, paths: VaultPaths, staged: StagedSecret, base: number): Promise<void> {
    const { token } = staged;
    const value = checkValue(staged.value);
    await raced(async () => {
      const pointer = await this.pointer(place, paths);
      if (pointer.token === token) return true;
      if (pointer.token !== null) {
        await this.#forget(paths, token);
        throw alreadyStaged();
      }
      const nonce = this.#nonce();
      // A conflict: this token's value is there from an attempt that got no further, and counts.
      await this.#kv.write(
        pendingPath(paths, token),
        noted({ kind: 'pending', place: placeText(place), nonce, token }, value),
        0,
        (data) => noteOf('pending', place, data)?.nonce === nonce,
      );
      return (await this.#point(place, paths, pointer, token, base)) || 'again';
    });
  }

  async staged(place: SecretPlace, paths: VaultPaths): Promise<StagedSecret | null> {
    return raced(async () => {
      const { token, version } = await this.pointer(place, paths);
      if (token === null) return null;
      const kept = await this.#kv.read(pendingPath(paths, token));
      if (kept.kind === 'found') {
        if (noteOf('pending', place, kept.data)?.token !== token) throw movedValue(place);
        return { token, value: fieldsOf(kept.data) };
      }
      if ((await this.pointer(place, paths)).version !== version) return 'again';
      throw new SecretError(
        'PROVIDER_INCONSISTENT',
        'expected the staged value that vault points at, it is gone; discard it and rotate again',
      );
    });
  }

  /** Nothing is staged any more, if this pointer still holds; then its value goes. */
  async clear(place: SecretPlace, paths: VaultPaths, pointer: Pointer): Promise<boolean> {
    if (!(await this.#point(place, paths, pointer, null, pointer.base))) return false;
    if (pointer.token !== null) await this.#forget(paths, pointer.token);
    return true;
  }

  async discard(place: SecretPlace, paths: VaultPaths, token: string): Promise<void> {
    await raced(async () => {
      const pointer = await this.pointer(place, paths);
      if (pointer.token === token) return (await this.clear(place, paths, pointer)) || 'again';
      await this.#forget(paths, token);
      return true;
    });
  }

  /** With a secret that is removed. */
  async removeAll(paths: VaultPaths): Promise<void> {
    for (const key of await this.#kv.list(paths.pending))
      if (isPendingKey(key)) await this.#kv.remove(`${paths.pending}/${key}`, 'safe');
    await this.#kv.remove(paths.pointer, 'safe');
  }

  async #forget(paths: VaultPaths, token: string): Promise<void> {
    await this.#kv.remove(pendingPath(paths, token), 'safe');
  }

  async #point(
    place: SecretPlace,
    paths: VaultPaths,
    before: Pointer,
    token: string | null,
    base: number,
  ): Promise<boolean> {
    const nonce = this.#nonce();
    const written = await this.#kv.write(
      paths.pointer,
      noted({ kind: 'pointer', place: placeText(place), nonce, token, base }),
      before.version,
      (data) => noteOf('pointer', place, data)?.nonce === nonce,
    );
    return written !== 'conflict';
  }
}

function pendingPath(paths: VaultPaths, token: string): string {
  return `${paths.pending}/${pendingKey(token)}`;
}

function alreadyStaged(): SecretError {
  return new SecretError(
    'SECRET_CONFLICT',
    'expected nothing to be staged for the secret, got the value of another rotation; let that end, or discard it',
  );
}
