import { checkToken } from '../../embedded/staging.ts';
import type { SecretPlace, SecretTenant } from '../../names.ts';
import type {
  ListRequest,
  SecretMetadata,
  SecretProvider,
  StagedSecret,
  StoredSecret,
  VersionInfo,
  VersionReference,
  WriteOptions,
} from '../../provider.ts';
import { checkValue, type SecretValue } from '../../value.ts';
import { checkVersionReference, checkWords, versionNotFound } from '../../version-id.ts';
import { fieldsOf, placeText } from '../fabric-note.ts';
import { hiddenVersion } from '../hidden-version.ts';
import { casMissing, notCurrent, notFound, notStaged, raced } from '../races.ts';
import { VaultClient } from './client.ts';
import { type Kept, KeyValue } from './key-value.ts';
import { listNames } from './listing.ts';
import { MetadataDocuments, metadataOf } from './metadata-document.ts';
import { noted, noteOf, wordsOf } from './notes.ts';
import { settingsOf, type VaultOptions, type VaultSettings } from './options.ts';
import { folderOf, pathsOf, pendingKey, type VaultPaths } from './paths.ts';
import { Staging } from './staging.ts';
import { describeVersions, existing, findPromoted, findVersion, hideVersions, infoOf } from './versions.ts';

const NONCE_BYTES = 16;

/**
 * Secrets in Vault's or OpenBao's KV version 2. Single versions are deleted, undeleted and destroyed where the policy
 * grants `update` on those paths, and PROVIDER_FORBIDDEN names what is missing where it does not. A secret's value and
 * its metadata are two documents, which Vault cannot change at once: metadata go first, so that no value is ever to be
 * had under less sensitive metadata than were asked for.
 */
export function createVaultProvider(options: VaultOptions): SecretProvider {
  return new VaultProvider(settingsOf(options));
}

class VaultProvider implements SecretProvider {
  readonly name = 'vault';
  readonly features = { deletesVersions: true, destroysVersions: true };
  readonly #settings: VaultSettings;
  readonly #client: VaultClient;
  readonly #kv: KeyValue;
  readonly #documents: MetadataDocuments;
  readonly #staging: Staging;
  readonly #nonce: () => string;

  constructor(settings: VaultSettings) {
    this.#settings = settings;
    this.#client = new VaultClient(settings);
    this.#kv = new KeyValue(this.#client, settings.mount, settings.clock);
    this.#nonce = () => Buffer.from(settings.randomBytes(NONCE_BYTES)).toString('hex');
    this.#documents = new MetadataDocuments(this.#kv, this.#nonce);
    this.#staging = new Staging(this.#kv, this.#nonce);
  }

  async read(place: SecretPlace, version: VersionReference = 'current'): Promise<StoredSecret> {
    const paths = this.#paths(place);
    const [kept, about, current] = await Promise.all([
      this.#kv.metadata(paths.value),
      this.#documents.read(place, paths),
      version === 'current' ? this.#kv.read(paths.value) : undefined,
    ]);
    if (current?.kind === 'absent') throw notFound();
    const metadata = metadataOf(about, existing(kept));
    if (current !== undefined) return { ...this.#found(place, current, 'current'), metadata };
    const found = findVersion(place, existing(kept), checkVersionReference(version));
    const state = found.version === kept?.current ? 'current' : 'previous';
    return { ...this.#found(place, await this.#kv.read(paths.value, found.version), state), metadata };
  }

  async write(place: SecretPlace, value: SecretValue, options: WriteOptions): Promise<VersionInfo> {
    const paths = this.#paths(place);
    const fields = checkValue(value);
    checkWords(options);
    return raced(async () => {
      const [kept, about] = await Promise.all([
        this.#kv.metadata(paths.value),
        this.#documents.read(place, paths),
      ]);
      const current = kept?.current ?? 0;
      const fresh = current === 0;
      if (options.cas !== undefined && options.cas !== current) throw notCurrent(options.cas, current);
      if (options.cas === undefined && !fresh && metadataOf(about, kept).casRequired) throw casMissing();
      if (options.metadata !== undefined || (fresh && about.version > 0))
        await this.#documents.change(
          place,
          paths,
          kept ?? { maxVersions: 0, casRequired: false },
          options.metadata ?? {},
          fresh,
        );
      const written = await this.#put(place, paths, fields, current, options);
      if (written !== 'conflict') return written;
      if (options.cas !== undefined) throw notCurrent(options.cas, await this.#currentOf(paths));
      return 'again';
    });
  }

  async describe(place: SecretPlace) {
    const paths = this.#paths(place);
    const [metadata, about] = await Promise.all([
      this.#kv.metadata(paths.value),
      this.#documents.read(place, paths),
    ]);
    const kept = existing(metadata);
    return {
      name: place.name,
      createdAt: kept.createdAt,
      updatedAt: kept.updatedAt,
      metadata: metadataOf(about, kept),
      versions: await describeVersions(this.#kv, place, paths, kept, about),
    };
  }

  async changeMetadata(place: SecretPlace, change: Partial<SecretMetadata>): Promise<SecretMetadata> {
    const paths = this.#paths(place);
    const kept = existing(await this.#kv.metadata(paths.value));
    return this.#documents.change(place, paths, kept, change, false);
  }

  async list(tenant: SecretTenant, request: ListRequest) {
    const folder = folderOf(this.#settings.environment, tenant);
    return listNames((below) => this.#kv.list(`${folder}/${below}`.slice(0, -1)), request);
  }

  async deleteVersions(place: SecretPlace, versions: readonly number[]): Promise<void> {
    await hideVersions(this.#kv, this.#documents, place, this.#paths(place), versions, 'delete');
  }

  async undelete(place: SecretPlace, versions: readonly number[]): Promise<void> {
    const paths = this.#paths(place);
    const kept = existing(await this.#kv.metadata(paths.value));
    // Whatever our clock makes of the times of their deletion.
    const hidden = versions.map((version) => findVersion(place, kept, version));
    const numbers = hidden.filter(({ state }) => state !== 'destroyed').map(({ version }) => version);
    if (numbers.length > 0) await this.#kv.change('undelete', paths.value, numbers);
  }

  async destroy(place: SecretPlace, versions: readonly number[]): Promise<void> {
    await hideVersions(this.#kv, this.#documents, place, this.#paths(place), versions, 'destroy');
  }

  async remove(place: SecretPlace): Promise<void> {
    const paths = this.#paths(place);
    await this.#staging.removeAll(paths);
    await this.#kv.remove(paths.value, 'once');
    await this.#kv.remove(paths.about, 'once');
  }

  async stage(place: SecretPlace, staged: StagedSecret): Promise<void> {
    const paths = this.#paths(place);
    checkToken(staged.token);
    const { current } = existing(await this.#kv.metadata(paths.value));
    await this.#staging.stage(place, paths, staged, current);
  }

  async staged(place: SecretPlace): Promise<StagedSecret | null> {
    return this.#staging.staged(place, this.#paths(place));
  }

  async promote(
    place: SecretPlace,
    token: string,
    options: Omit<WriteOptions, 'metadata'>,
  ): Promise<VersionInfo> {
    const paths = this.#paths(place);
    checkToken(token);
    checkWords(options);
    const key = pendingKey(token);
    return raced(async () => {
      const [kept, pointer] = await Promise.all([
        this.#kv.metadata(paths.value),
        this.#staging.pointer(place, paths),
      ]);
      const { current } = existing(kept);
      const isStaged = pointer.token === token;
      const base = isStaged ? pointer.base : 0;
      const promoted = await findPromoted(this.#kv, place, paths, existing(kept), key, base);
      if (promoted !== undefined) {
        if (isStaged) await this.#staging.clear(place, paths, pointer);
        return promoted;
      }
      if (!isStaged) throw notStaged();
      if (options.cas !== undefined && options.cas !== current) throw notCurrent(options.cas, current);
      const staged = await this.#staging.staged(place, paths);
      if (staged?.token !== token) return 'again';
      const written = await this.#put(place, paths, staged.value, current, options, key);
      if (written === 'conflict') return 'again';
      await this.#staging.clear(place, paths, pointer);
      return written;
    });
  }

  async discard(place: SecretPlace, token: string): Promise<void> {
    const paths = this.#paths(place);
    checkToken(token);
    await this.#staging.discard(place, paths, token);
  }

  health(): Promise<readonly string[]> {
    return this.#client.health();
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  async #put(
    place: SecretPlace,
    paths: VaultPaths,
    fields: SecretValue,
    current: number,
    { author, description = '' }: WriteOptions,
    promoted?: string,
  ): Promise<VersionInfo | 'conflict'> {
    const nonce = this.#nonce();
    const words = { by: author, why: description };
    const written = await this.#kv.write(
      paths.value,
      noted(
        {
          kind: 'value',
          place: placeText(place),
          nonce,
          ...words,
          ...(promoted !== undefined && { promoted }),
        },
        fields,
      ),
      current,
      (data) => noteOf('value', place, data)?.nonce === nonce,
    );
    return written === 'conflict' ? written : infoOf(place, written, words, 'current');
  }

  async #currentOf(paths: VaultPaths): Promise<number> {
    return (await this.#kv.metadata(paths.value))?.current ?? 0;
  }

  #found(
    place: SecretPlace,
    kept: Kept,
    state: VersionInfo['state'],
  ): { readonly value: SecretValue; readonly version: VersionInfo } {
    if (kept.kind === 'absent') throw versionNotFound();
    if (kept.kind !== 'found') throw hiddenVersion(kept.kind, kept.version);
    const version = infoOf(place, kept, wordsOf(noteOf('value', place, kept.data)), state);
    return { value: fieldsOf(kept.data), version };
  }

  #paths(place: SecretPlace): VaultPaths {
    return pathsOf(this.#settings.environment, place);
  }
}
