import { SecretError } from '../../errors.ts';
import type { SecretPlace } from '../../names.ts';
import type { StagedSecret } from '../../provider.ts';
import { checkValue } from '../../value.ts';
import { fieldsOf, placeText } from '../fabric-note.ts';
import { raced } from '../races.ts';
import { PENDING, pendingLabel } from './labels.ts';
import { contentOf, textOf } from './notes.ts';
import type { Present } from './secret-versions.ts';
import type { AwsStore } from './store.ts';

/** What has AWSPENDING. */
export type Pending =
  | { readonly kind: 'nothing' }
  /** Of a secret that was removed, or the current version itself, where AWS' own rotations leave the label. */
  | { readonly kind: 'left over'; readonly uuid: string }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'ours'; readonly uuid: string; readonly staged: StagedSecret };

/** Staged values have AWSPENDING, which AWS moves for one of two rotations only. */
export class Staging {
  readonly #store: AwsStore;
  readonly #uuid: () => string;

  constructor(store: AwsStore, uuid: () => string) {
    this.#store = store;
    this.#uuid = uuid;
  }

  async pending(place: SecretPlace, name: string, current: Present): Promise<Pending> {
    const found = await this.#store.get(name, { VersionStage: PENDING });
    if (typeof found === 'string') return { kind: 'nothing' };
    if (found.uuid === current.uuid) return { kind: 'left over', uuid: found.uuid };
    const { note, fields } = contentOf(place, found.text);
    if (note?.kind !== 'pending')
      return { kind: note === undefined ? 'foreign' : 'left over', uuid: found.uuid };
    if (note.born !== current.note.born) return { kind: 'left over', uuid: found.uuid };
    return { kind: 'ours', uuid: found.uuid, staged: { token: note.token, value: fieldsOf(fields) } };
  }

  async stage(
    place: SecretPlace,
    name: string,
    staged: StagedSecret,
    load: () => Promise<Present>,
    makeRoom: () => Promise<void>,
  ): Promise<void> {
    const { token } = staged;
    const value = checkValue(staged.value);
    await raced(async () => {
      const current = await load();
      const pending = await this.pending(place, name, current);
      if (pending.kind === 'ours' && pending.staged.token === token) return true;
      if (pending.kind === 'ours' || pending.kind === 'foreign') throw alreadyStaged();
      const uuid = this.#uuid();
      const { born } = current.note;
      const text = textOf({ kind: 'pending', place: placeText(place), token, born }, value);
      const put = await this.#store.put(name, text, uuid, [pendingLabel(uuid)]);
      if (put === 'full') await makeRoom();
      if (put !== 'done') return 'again';
      const from = pending.kind === 'left over' ? { from: pending.uuid } : {};
      const moved = await this.#store.move(name, PENDING, { to: uuid, ...from });
      await this.#store.move(name, pendingLabel(uuid), { from: uuid });
      return moved === 'done' || 'again';
    });
  }

  /** If it still is what is staged. */
  async clear(name: string, uuid: string): Promise<void> {
    await this.#store.move(name, PENDING, { from: uuid });
  }
}

function alreadyStaged(): SecretError {
  return new SecretError(
    'SECRET_CONFLICT',
    'expected nothing to be staged for the secret, got the value of another rotation; let that end, or discard it',
  );
}
