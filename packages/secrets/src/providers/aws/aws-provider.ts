import { checkToken } from '../../embedded/staging.ts';
import { SecretError } from '../../errors.ts';
import { changedMetadata, DEFAULT_METADATA } from '../../metadata.ts';
import { asSecretName, type SecretPlace, type SecretTenant } from '../../names.ts';
import type {
  ListRequest,
  NamePage,
  SecretDescription,
  SecretMetadata,
  SecretProvider,
  StagedSecret,
  StoredSecret,
  VersionInfo,
  VersionReference,
  WriteOptions,
} from '../../provider.ts';
import { checkValue, type SecretValue } from '../../value.ts';
import { checkVersionReference, checkWords, makeVersionId, versionNotFound } from '../../version-id.ts';
import { fieldsOf, placeText } from '../fabric-note.ts';
import { checkListRequest, isName } from '../list-request.ts';
import { casMissing, notCurrent, notStaged, raced } from '../races.ts';
import { keepingLabel, MOST_VERSIONS, PREVIOUS, tokenKey } from './labels.ts';
import type { OlderVersion, ValueNote } from './notes.ts';
import { type AwsOptions, type AwsSettings, awsNameOf, namesOf, settingsOf } from './options.ts';
import { forgetFormer, removeSecret, restoreRemoved } from './removal.ts';
import { infoOf, type Loaded, olderOf, SecretVersions } from './secret-versions.ts';
import { Staging } from './staging.ts';
import { AwsStore } from './store.ts';
import { uuidOf } from './uuid.ts';

/**
 * Secrets in AWS Secrets Manager. A version's value, number, author and metadata are one text, so that they change at
 * once; which text is current is decided by the move of AWSCURRENT from the version that it was made upon, which is AWS'
 * own compare-and-set. AWS can neither delete nor destroy single versions.
 */
export function createAwsProvider(options: AwsOptions): SecretProvider {
  return new AwsProvider(settingsOf(options));
}

class AwsProvider implements SecretProvider {
  readonly name = 'aws';
  readonly features = { deletesVersions: false, destroysVersions: false };
  readonly #settings: AwsSettings;
  readonly #store: AwsStore;
  readonly #versions: SecretVersions;
  readonly #staging: Staging;
  readonly #uuid: () => string;

  constructor(settings: AwsSettings) {
    this.#settings = settings;
    this.#store = new AwsStore(settings.client, settings.timeoutMs);
    this.#uuid = () => uuidOf(settings.randomBytes(16));
    this.#versions = new SecretVersions(this.#store, this.#uuid, settings.clock);
    this.#staging = new Staging(this.#store, this.#uuid);
  }

  async read(place: SecretPlace, version: VersionReference = 'current'): Promise<StoredSecret> {
    const name = this.#name(place);
    const { note, fields } = await this.#versions.existing(place, name);
    const { metadata } = note;
    const wanted = checkVersionReference(version);
    if (wanted === 'current' || wanted === note.version || wanted === note.id)
      return { value: fieldsOf(fields), version: infoOf(note, note, 'current'), metadata };
    const entry = note.older.find(({ version, id }) => version === wanted || id === wanted);
    if (entry === undefined) throw versionNotFound();
    const { value, info } = await this.#versions.older(place, name, entry);
    return { value, version: info, metadata };
  }

  async write(place: SecretPlace, value: SecretValue, options: WriteOptions): Promise<VersionInfo> {
    const name = this.#name(place);
    const fields = checkValue(value);
    checkWords(options);
    return raced(async () => {
      const loaded = await this.#versions.load(place, name);
      const { metadata, version } =
        loaded.kind === 'present' ? loaded.note : { metadata: DEFAULT_METADATA, version: 0 };
      if (options.cas !== undefined && options.cas !== version) throw notCurrent(options.cas, version);
      if (options.cas === undefined && metadata.casRequired) throw casMissing();
      const note = this.#next(place, loaded, checkedMetadata(metadata, options.metadata ?? {}), options);
      return this.#put(place, name, loaded, note, fields);
    });
  }

  async describe(place: SecretPlace): Promise<SecretDescription> {
    const name = this.#name(place);
    const { note, changedAt } = await this.#versions.existing(place, name);
    const older = await Promise.all(note.older.map((entry) => this.#versions.infoOf(place, name, entry)));
    return {
      name: place.name,
      createdAt: note.bornAt,
      updatedAt: changedAt,
      metadata: note.metadata,
      versions: [infoOf(note, note, 'current'), ...older],
    };
  }

  /**
   * Puts the current value again, under its own number and with the new metadata: AWS makes a version of it, we do not.
   * AWSPREVIOUS is led back to the version before, for those that read it directly.
   */
  async changeMetadata(place: SecretPlace, change: Partial<SecretMetadata>): Promise<SecretMetadata> {
    const name = this.#name(place);
    return raced(async () => {
      const current = await this.#versions.existing(place, name);
      const metadata = checkedMetadata(current.note.metadata, change);
      const older = current.note.older.slice(0, metadata.maxVersions - 1);
      const note = { ...current.note, metadata, older };
      const fields = fieldsOf(current.fields);
      if ((await this.#versions.commit(place, name, note, fields, current.uuid)) === 'conflict')
        return 'again';
      const [before] = current.note.older;
      await this.#tidy(async () => {
        await this.#store.move(name, PREVIOUS, {
          from: current.uuid,
          ...(before !== undefined && { to: before.uuid }),
        });
        await this.#store.move(name, keepingLabel(note.version, current.uuid), { from: current.uuid });
        await this.#letGo(name, current.note.older.slice(older.length));
      });
      return metadata;
    });
  }

  async list(tenant: SecretTenant, request: ListRequest): Promise<NamePage> {
    checkListRequest(request);
    const { prefix, limit, cursor = '' } = request;
    const beginning = namesOf(this.#settings.folder, tenant);
    const all = await this.#store.names(beginning + prefix);
    const rest = [...new Set(all.map((name) => name.slice(beginning.length)))]
      .filter((name) => name > cursor && isName(name))
      .sort();
    const names = rest.slice(0, limit).map(asSecretName);
    return { names, cursor: rest.length > limit ? (names.at(-1) ?? null) : null };
  }

  async deleteVersions(place: SecretPlace): Promise<void> {
    throw this.#unsupported(place, 'delete');
  }

  async undelete(place: SecretPlace): Promise<void> {
    throw this.#unsupported(place, 'undelete');
  }

  async destroy(place: SecretPlace): Promise<void> {
    throw this.#unsupported(place, 'destroy');
  }

  async remove(place: SecretPlace): Promise<void> {
    const name = this.#name(place);
    await removeSecret(this.#store, place, name, this.#uuid(), this.#settings.recoveryDays);
  }

  async stage(place: SecretPlace, staged: StagedSecret): Promise<void> {
    const name = this.#name(place);
    checkToken(staged.token);
    await this.#staging.stage(
      place,
      name,
      staged,
      () => this.#versions.existing(place, name),
      () => this.#versions.makeRoom(place, name),
    );
  }

  async staged(place: SecretPlace): Promise<StagedSecret | null> {
    const name = this.#name(place);
    const loaded = await this.#versions.load(place, name);
    if (loaded.kind !== 'present') return null;
    const pending = await this.#staging.pending(place, name, loaded);
    return pending.kind === 'ours' ? pending.staged : null;
  }

  async promote(
    place: SecretPlace,
    token: string,
    options: Omit<WriteOptions, 'metadata'>,
  ): Promise<VersionInfo> {
    const name = this.#name(place);
    checkToken(token);
    checkWords(options);
    const key = tokenKey(token);
    return raced(async () => {
      const current = await this.#versions.existing(place, name);
      const { note } = current;
      const pending = await this.#staging.pending(place, name, current);
      const isStaged = pending.kind === 'ours' && pending.staged.token === token;
      const promoted = await this.#versions.promoted(place, name, note, key);
      if (promoted !== undefined) {
        if (isStaged) await this.#staging.clear(name, pending.uuid);
        return promoted;
      }
      if (!isStaged) throw notStaged();
      if (options.cas !== undefined && options.cas !== note.version)
        throw notCurrent(options.cas, note.version);
      const next = { ...this.#next(place, current, note.metadata, options), promoted: key };
      const written = await this.#put(place, name, current, next, pending.staged.value);
      if (written !== 'again') await this.#staging.clear(name, pending.uuid);
      return written;
    });
  }

  async discard(place: SecretPlace, token: string): Promise<void> {
    const name = this.#name(place);
    checkToken(token);
    const loaded = await this.#versions.load(place, name);
    if (loaded.kind !== 'present') return;
    const pending = await this.#staging.pending(place, name, loaded);
    if (pending.kind === 'ours' && pending.staged.token === token)
      await this.#staging.clear(name, pending.uuid);
  }

  async health(): Promise<readonly string[]> {
    try {
      // No name of ours can be this one; that AWS says so shows that it is there and takes our credentials.
      await this.#store.labels(`${this.#settings.folder}/_health`);
      return [];
    } catch (error) {
      return [error instanceof SecretError ? error.message : 'AWS Secrets Manager cannot be asked'];
    }
  }

  async close(): Promise<void> {
    this.#store.close();
  }

  #next(
    place: SecretPlace,
    loaded: Loaded,
    metadata: SecretMetadata,
    { author, description = '' }: WriteOptions,
  ): ValueNote {
    const { clock, randomBytes } = this.#settings;
    const at = clock();
    const before = loaded.kind === 'present' ? loaded : undefined;
    return {
      kind: 'value',
      place: placeText(place),
      version: (before?.note.version ?? 0) + 1,
      id: makeVersionId(at, randomBytes),
      by: author,
      why: description,
      born: before?.note.born ?? this.#uuid(),
      bornAt: before?.note.bornAt ?? at,
      metadata,
      older: before === undefined ? [] : olderOf({ ...before.note, metadata }, before.uuid),
    };
  }

  async #put(
    place: SecretPlace,
    name: string,
    loaded: Loaded,
    note: ValueNote,
    fields: SecretValue,
  ): Promise<VersionInfo | 'again'> {
    if (loaded.kind === 'deleted') {
      await restoreRemoved(this.#store, name);
      return 'again';
    }
    if (loaded.kind === 'present' && note.older.length > 0) await this.#versions.keep(name, loaded);
    const written =
      loaded.kind === 'absent'
        ? await this.#versions.create(place, name, note, fields)
        : await this.#versions.commit(place, name, note, fields, loaded.uuid);
    if (written === 'conflict') return 'again';
    await this.#tidy(async () => {
      if (loaded.kind === 'removed') await forgetFormer(this.#store, name, written.uuid);
      if (loaded.kind === 'present') {
        const { version, id } = loaded.note;
        const before = [{ version, id, uuid: loaded.uuid }, ...loaded.note.older];
        await this.#letGo(name, before.slice(note.older.length));
      }
    });
    return infoOf(note, note, 'current');
  }

  async #letGo(name: string, entries: readonly OlderVersion[]): Promise<void> {
    for (const { version, uuid } of entries)
      await this.#store.move(name, keepingLabel(version, uuid), { from: uuid });
  }

  /** What is done is done: labels that stay behind cost room, and nothing else. */
  async #tidy(work: () => Promise<void>): Promise<void> {
    await work().catch(() => undefined);
  }

  #unsupported(place: SecretPlace, what: string): SecretError {
    this.#name(place);
    return new SecretError(
      'PROVIDER_UNSUPPORTED',
      `expected a provider that can ${what} single versions, got AWS Secrets Manager, which cannot; remove the secret, or keep ` +
        'fewer versions with `maxVersions`',
    );
  }

  #name(place: SecretPlace): string {
    return awsNameOf(this.#settings.folder, place);
  }
}

function checkedMetadata(current: SecretMetadata, change: Partial<SecretMetadata>): SecretMetadata {
  const metadata = changedMetadata(current, change);
  if (metadata.maxVersions <= MOST_VERSIONS) return metadata;
  throw new SecretError(
    'PROVIDER_UNSUPPORTED',
    `expected \`maxVersions\` of at most \`${MOST_VERSIONS}\` at AWS, which has room for 20 labels in a secret`,
  );
}
