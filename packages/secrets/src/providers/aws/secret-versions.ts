import { SecretError } from '../../errors.ts';
import { DEFAULT_METADATA } from '../../metadata.ts';
import type { SecretPlace } from '../../names.ts';
import type { VersionInfo } from '../../provider.ts';
import type { SecretValue } from '../../value.ts';
import { derivedVersionId } from '../derived-version-id.ts';
import { fieldsOf, placeText, UNKNOWN_AUTHOR } from '../fabric-note.ts';
import { hiddenVersion } from '../hidden-version.ts';
import { notFound } from '../races.ts';
import { CURRENT, isOurLabel, keepingLabel, PREVIOUS } from './labels.ts';
import { contentOf, type OlderVersion, textOf, type ValueNote } from './notes.ts';
import { type AwsStore, type AwsVersion, lie } from './store.ts';

/** Far longer than a write takes. One that is not abandoned notices the loss and begins anew. */
const ABANDONED_MS = 600_000;

/** The current version, with all that is needed to read or replace it. */
export interface Present {
  readonly kind: 'present';
  readonly uuid: string;
  readonly labels: readonly string[];
  readonly changedAt: number;
  readonly note: ValueNote;
  readonly fields: Readonly<Record<string, unknown>>;
}

export type Loaded =
  | Present
  /** AWS keeps it until its recovery window ends. */
  | { readonly kind: 'deleted' }
  /** Restored after it was removed through us: nothing is left but AWS' history. */
  | { readonly kind: 'removed'; readonly uuid: string }
  | { readonly kind: 'absent' };

/**
 * Which of AWS' versions of a secret are its versions. The current one says it of all: it lists the earlier ones, and it
 * became current by the label's move from the version that it was made upon, which AWS does for one writer only.
 */
export class SecretVersions {
  readonly #store: AwsStore;
  readonly #uuid: () => string;
  readonly #clock: () => number;

  constructor(store: AwsStore, uuid: () => string, clock: () => number) {
    this.#store = store;
    this.#uuid = uuid;
    this.#clock = clock;
  }

  async load(place: SecretPlace, name: string): Promise<Loaded> {
    const found = await this.#store.get(name, { VersionStage: CURRENT });
    if (typeof found === 'string') return { kind: found };
    const { note, fields } = contentOf(place, found.text);
    if (note?.kind === 'removed') return { kind: 'removed', uuid: found.uuid };
    const { uuid, labels, createdAt } = found;
    return {
      kind: 'present',
      uuid,
      labels,
      changedAt: createdAt,
      note: note?.kind === 'value' ? note : await this.#adopted(place, name, found),
      fields,
    };
  }

  /** Throws SECRET_NOT_FOUND. */
  async existing(place: SecretPlace, name: string): Promise<Present> {
    const loaded = await this.load(place, name);
    if (loaded.kind !== 'present') throw notFound();
    return loaded;
  }

  /** An earlier one. Throws SECRET_DESTROYED where AWS has pruned it, as it does to what lost its label. */
  async older(
    place: SecretPlace,
    name: string,
    entry: OlderVersion,
  ): Promise<{ readonly value: SecretValue; readonly info: VersionInfo }> {
    const found = await this.#store.get(name, { VersionId: entry.uuid });
    if (found === 'deleted') throw notFound();
    if (found === 'absent') throw hiddenVersion('destroyed', entry.version);
    const { note, fields } = contentOf(place, found.text);
    if (note?.kind === 'value' && note.version !== entry.version)
      throw lie(name, `version \`${entry.version}\` to say that it is that version`);
    const words = note?.kind === 'value' ? note : { by: UNKNOWN_AUTHOR, why: '' };
    return { value: fieldsOf(fields), info: infoOf(entry, words, 'previous') };
  }

  async infoOf(place: SecretPlace, name: string, entry: OlderVersion): Promise<VersionInfo> {
    try {
      return (await this.older(place, name, entry)).info;
    } catch (error) {
      if (!(error instanceof SecretError) || error.code !== 'SECRET_DESTROYED') throw error;
      return infoOf(entry, { by: UNKNOWN_AUTHOR, why: '' }, 'destroyed');
    }
  }

  /** The version that was promoted from the staged value of this key. */
  async promoted(
    place: SecretPlace,
    name: string,
    note: ValueNote,
    key: string,
  ): Promise<VersionInfo | undefined> {
    if (note.promoted === key) return infoOf(note, note, 'current');
    const entry = note.older.find(({ promoted }) => promoted === key);
    return entry && this.infoOf(place, name, entry);
  }

  /** Makes it the current version if `from` still is; `conflict`: another is. Undefined: if there is none. */
  async commit(
    place: SecretPlace,
    name: string,
    note: ValueNote,
    fields: SecretValue,
    from: string | undefined,
  ): Promise<{ readonly uuid: string } | 'conflict'> {
    const uuid = this.#uuid();
    const label = keepingLabel(note.version, uuid);
    const put = await this.#store.put(name, textOf(note, fields), uuid, [label]);
    if (put === 'full') await this.makeRoom(place, name);
    if (put !== 'done') return 'conflict';
    const where = { to: uuid, ...(from !== undefined && { from }) };
    let failure: unknown;
    try {
      if ((await this.#store.move(name, CURRENT, where)) === 'done') return { uuid };
    } catch (error) {
      if (!(error instanceof SecretError) || error.code !== 'PROVIDER_UNAVAILABLE') throw error;
      failure = error;
    }
    // Either another writer was first, or the answer to an earlier try of ours was lost.
    if (await this.#became(place, name, uuid)) return { uuid };
    if (failure !== undefined) throw failure;
    await this.#store.move(name, label, { from: uuid });
    return 'conflict';
  }

  async create(
    place: SecretPlace,
    name: string,
    note: ValueNote,
    fields: SecretValue,
  ): Promise<{ readonly uuid: string } | 'conflict'> {
    const uuid = this.#uuid();
    const created = await this.#store.create(name, textOf(note, fields), uuid);
    if (created === 'done' || (created === 'exists' && (await this.#became(place, name, uuid))))
      return { uuid };
    const isEmpty = created === 'exists' && (await this.load(place, name)).kind === 'absent';
    return isEmpty ? this.commit(place, name, note, fields, undefined) : 'conflict';
  }

  /** Before it is replaced: AWS prunes what has no label. */
  async keep(name: string, { uuid, labels, note }: Present): Promise<void> {
    const label = keepingLabel(note.version, uuid);
    if (!labels.includes(label)) await this.#store.move(name, label, { to: uuid });
  }

  /**
   * Takes their labels from what writers and rotations left behind that were killed on their way. Throws
   * PROVIDER_UNAVAILABLE where there is nothing of the kind.
   */
  async makeRoom(place: SecretPlace, name: string): Promise<void> {
    const loaded = await this.load(place, name);
    if (loaded.kind !== 'present') return;
    const known = new Set([loaded.uuid, ...loaded.note.older.map(({ uuid }) => uuid)]);
    const abandoned = (await this.#store.versions(name))
      .filter(({ uuid, createdAt }) => !known.has(uuid) && this.#clock() - createdAt > ABANDONED_MS)
      .flatMap(({ uuid, labels }) => labels.filter(isOurLabel).map((label) => ({ uuid, label })));
    if (abandoned.length === 0)
      throw new SecretError(
        'PROVIDER_UNAVAILABLE',
        `expected AWS to have room for another version of \`${name}\`, it has not: too many are written at once or in one day; ` +
          'nothing was done, try later',
      );
    for (const { uuid, label } of abandoned) await this.#store.move(name, label, { from: uuid });
  }

  async #became(place: SecretPlace, name: string, uuid: string): Promise<boolean> {
    const loaded = await this.load(place, name);
    return (
      loaded.kind === 'present' &&
      (loaded.uuid === uuid || loaded.note.older.some((entry) => entry.uuid === uuid))
    );
  }

  /** What others made current is the next version of what was current before. */
  async #adopted(place: SecretPlace, name: string, found: AwsVersion): Promise<ValueNote> {
    const before = await this.#store.get(name, { VersionStage: PREVIOUS });
    const previous = typeof before === 'string' ? undefined : contentOf(place, before.text).note;
    const known = previous?.kind === 'value' && typeof before !== 'string';
    return {
      kind: 'value',
      place: placeText(place),
      version: known ? previous.version + 1 : 1,
      id: derivedVersionId(found.createdAt, [placeText(place), found.uuid]),
      by: UNKNOWN_AUTHOR,
      why: '',
      born: known ? previous.born : UNKNOWN_AUTHOR,
      bornAt: known ? previous.bornAt : found.createdAt,
      metadata: known ? previous.metadata : DEFAULT_METADATA,
      older: known ? olderOf(previous, before.uuid) : [],
    };
  }
}

/** With the version itself in front, as its successor lists them. */
export function olderOf(note: ValueNote, uuid: string): OlderVersion[] {
  const { version, id, promoted } = note;
  const self = { version, id, uuid, ...(promoted !== undefined && { promoted }) };
  return [self, ...note.older].slice(0, note.metadata.maxVersions - 1);
}

export function infoOf(
  { version, id }: Pick<OlderVersion, 'version' | 'id'>,
  words: { readonly by: string; readonly why: string },
  state: VersionInfo['state'],
): VersionInfo {
  return { version, id, createdAt: madeAt(id), createdBy: words.by, description: words.why, state };
}

function madeAt(id: string): number {
  return Number(id.slice(1, id.indexOf('-')));
}
