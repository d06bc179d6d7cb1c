import { changedMetadata, DEFAULT_METADATA } from '../../metadata.ts';
import type { SecretPlace } from '../../names.ts';
import type { SecretMetadata } from '../../provider.ts';
import { placeText } from '../fabric-note.ts';
import { raced } from '../races.ts';
import type { KeptMetadata, KeyValue } from './key-value.ts';
import { type AboutNote, noted, noteOf } from './notes.ts';
import type { VaultPaths } from './paths.ts';

/** Of a mount whose administrator chose nothing else. */
const VAULTS_OWN = 10;

/** What we keep of a secret beside its versions. */
export interface About {
  /** Of the document; 0: there is none. */
  readonly version: number;
  readonly note: Omit<AboutNote, 'nonce' | 'place' | 'kind'>;
}

const NOTHING: About['note'] = {
  sensitivity: DEFAULT_METADATA.sensitivity,
  tags: DEFAULT_METADATA.tags,
  casRequired: DEFAULT_METADATA.casRequired,
  hidden: {},
};

/** Metadata in a document of its own: a change of it makes no version of the secret, and needs no wider policy. */
export class MetadataDocuments {
  readonly #kv: KeyValue;
  readonly #nonce: () => string;

  constructor(kv: KeyValue, nonce: () => string) {
    this.#kv = kv;
    this.#nonce = nonce;
  }

  async read(place: SecretPlace, paths: VaultPaths): Promise<About> {
    const kept = await this.#kv.read(paths.about);
    if (kept.kind === 'absent') return { version: 0, note: NOTHING };
    if (kept.kind !== 'found') return { version: kept.version, note: NOTHING };
    return { version: kept.version, note: noteOf('about', place, kept.data) ?? NOTHING };
  }

  /**
   * How many versions are kept is for KV alone to say: changing that needs its own metadata, which the policy may forbid.
   * The secret that is `fresh` inherits nothing from one of its name that was there before.
   */
  async change(
    place: SecretPlace,
    paths: VaultPaths,
    kept: Pick<KeptMetadata, 'maxVersions' | 'casRequired'>,
    change: Partial<SecretMetadata>,
    fresh: boolean,
  ): Promise<SecretMetadata> {
    return raced(async () => {
      const about = await this.read(place, paths);
      const before = fresh ? { version: about.version, note: NOTHING } : about;
      const after = changedMetadata(metadataOf(before, kept), change);
      const { sensitivity, tags, maxVersions } = after;
      const casRequired = change.casRequired ?? before.note.casRequired;
      if (maxVersions !== versionsKept(kept)) await this.#kv.setMaxVersions(paths.value, maxVersions);
      const note = { sensitivity, tags, casRequired, hidden: before.note.hidden };
      if (
        JSON.stringify(note) !== JSON.stringify(about.note) &&
        !(await this.#write(place, paths, about, note))
      )
        return 'again';
      return after;
    });
  }

  /** Keeps who wrote versions that are about to be hidden, and forgets those that are pruned. */
  async remember(
    place: SecretPlace,
    paths: VaultPaths,
    kept: Pick<KeptMetadata, 'versions'>,
    hidden: AboutNote['hidden'],
  ): Promise<void> {
    const still = new Set(kept.versions.map(({ version }) => String(version)));
    await raced(async () => {
      const about = await this.read(place, paths);
      const entries = Object.entries({ ...about.note.hidden, ...hidden });
      const note = {
        ...about.note,
        hidden: Object.fromEntries(entries.filter(([version]) => still.has(version))),
      };
      if (JSON.stringify(note) === JSON.stringify(about.note)) return true;
      return (await this.#write(place, paths, about, note)) || 'again';
    });
  }

  async #write(place: SecretPlace, paths: VaultPaths, about: About, note: About['note']): Promise<boolean> {
    const nonce = this.#nonce();
    const data = noted({ kind: 'about', place: placeText(place), nonce, ...note });
    const written = await this.#kv.write(
      paths.about,
      data,
      about.version,
      (found) => noteOf('about', place, found)?.nonce === nonce,
    );
    return written !== 'conflict';
  }
}

export function metadataOf(
  { note }: About,
  kept: Pick<KeptMetadata, 'maxVersions' | 'casRequired'> | null,
): SecretMetadata {
  return {
    sensitivity: note.sensitivity,
    tags: note.tags,
    maxVersions: versionsKept(kept),
    casRequired: note.casRequired || (kept?.casRequired ?? false),
  };
}

function versionsKept(kept: Pick<KeptMetadata, 'maxVersions'> | null): number {
  return (kept?.maxVersions ?? 0) || VAULTS_OWN;
}
