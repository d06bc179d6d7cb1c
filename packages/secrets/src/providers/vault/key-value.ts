import { SecretError } from '../../errors.ts';
import {
  inconsistent,
  jsonOf,
  listAnswer,
  metadataAnswer,
  parseAnswer,
  readAnswer,
  writtenAnswer,
} from './answers.ts';
import { type Capability, InDoubt, type VaultClient } from './client.ts';

const LIST_BYTES = 33_554_432;
const METADATA_BYTES = 4_194_304;
const LOST_WRITER = /check-and-set parameter did not match/;

/** What KV keeps under one version of a path. */
export type Kept =
  | {
      readonly kind: 'found';
      readonly data: Readonly<Record<string, unknown>>;
      readonly version: number;
      readonly createdTime: string;
    }
  | { readonly kind: 'deleted' | 'destroyed'; readonly version: number }
  | { readonly kind: 'absent' };

export interface KeptVersion {
  readonly version: number;
  readonly createdTime: string;
  readonly state: 'kept' | 'deleted' | 'destroyed';
}

export interface KeptMetadata {
  /** 0: nothing was ever written. */
  readonly current: number;
  /** Newest first. */
  readonly versions: readonly KeptVersion[];
  /** 0: the mount's, which is 10 unless its administrator chose otherwise. */
  readonly maxVersions: number;
  readonly casRequired: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface Written {
  readonly version: number;
  readonly createdTime: string;
}

/** KV version 2 under one mount. Paths are of checked segments; what is sent has them percent-encoded. */
export class KeyValue {
  readonly #client: VaultClient;
  readonly #mount: string;
  readonly #clock: () => number;

  constructor(client: VaultClient, mount: string, clock: () => number) {
    this.#client = client;
    this.#mount = mount;
    this.#clock = clock;
  }

  async read(path: string, version?: number): Promise<Kept> {
    const { status, body } = await this.#client.send({
      method: 'GET',
      path: this.#path('data', path),
      ...(version !== undefined && { query: `version=${version}` }),
      capability: 'read',
      repeat: 'safe',
    });
    if (status === 404 && !hasData(body)) return { kind: 'absent' };
    if (status !== 200 && status !== 404) throw refused('a read', status);
    const { data } = parseAnswer(readAnswer, body, 'a read');
    const { destroyed, deletion_time, created_time, version: answered } = data.metadata;
    if (version !== undefined && answered !== version)
      throw inconsistent(
        `expected version \`${version}\`, got version \`${answered}\`; look for a cache in front of vault`,
      );
    if (data.data === null || status === 404) {
      if (!destroyed && deletion_time === '')
        throw inconsistent(
          `expected the data of version \`${answered}\`, got none, though it is not deleted`,
        );
      return { kind: destroyed ? 'destroyed' : 'deleted', version: answered };
    }
    return { kind: 'found', data: data.data, version: answered, createdTime: created_time };
  }

  async metadata(path: string): Promise<KeptMetadata | null> {
    const { status, body } = await this.#client.send({
      method: 'GET',
      path: this.#path('metadata', path),
      capability: 'read',
      repeat: 'safe',
      maxBytes: METADATA_BYTES,
    });
    if (status === 404) return null;
    if (status !== 200) throw refused('a read of metadata', status);
    const { data } = parseAnswer(metadataAnswer, body, 'a read of metadata');
    const now = this.#clock();
    const versions = Object.entries(data.versions)
      .map(([number, { created_time, deletion_time, destroyed }]) => ({
        version: Number(number),
        createdTime: created_time,
        state: destroyed
          ? ('destroyed' as const)
          : deletion_time !== '' && Date.parse(deletion_time) <= now
            ? ('deleted' as const)
            : ('kept' as const),
      }))
      .sort((a, b) => b.version - a.version);
    if ((versions[0]?.version ?? 0) !== data.current_version)
      throw inconsistent('expected the newest version in the metadata to be the current one, got another');
    return {
      current: data.current_version,
      versions,
      maxVersions: data.max_versions,
      casRequired: data.cas_required,
      createdAt: Date.parse(data.created_time),
      updatedAt: Date.parse(data.updated_time),
    };
  }

  /**
   * Writes upon the version that was read, `conflict` where it is not the current one any more. `isOurs` recognises what
   * was written, so that an answer that got lost is found out and not guessed.
   */
  async write(
    path: string,
    data: Readonly<Record<string, unknown>>,
    cas: number,
    isOurs: (data: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<Written | 'conflict'> {
    try {
      const { status, body } = await this.#client.send({
        method: 'POST',
        path: this.#path('data', path),
        body: { options: { cas }, data },
        capability: cas === 0 ? 'create' : 'update',
        repeat: 'once',
      });
      if (status === 400 && LOST_WRITER.test(body)) return 'conflict';
      if (status !== 200) throw refused('a write', status);
      const { data: written } = parseAnswer(writtenAnswer, body, 'a write');
      if (written.version !== cas + 1)
        throw inconsistent(
          `expected version \`${cas + 1}\` to be written, got version \`${written.version}\``,
        );
      return { version: written.version, createdTime: written.created_time };
    } catch (error) {
      if (!(error instanceof InDoubt)) throw error;
      const kept = await this.read(path, cas + 1).catch(() => undefined);
      if (kept?.kind === 'found' && isOurs(kept.data))
        return { version: kept.version, createdTime: kept.createdTime };
      throw error;
    }
  }

  /** Single versions: hidden, shown again, or gone. */
  async change(
    what: 'delete' | 'undelete' | 'destroy',
    path: string,
    versions: readonly number[],
  ): Promise<void> {
    await this.#done(what, 'POST', this.#path(what, path), 'update', 'safe', { versions });
  }

  /** Hides whatever is the current version at that moment: it has no check-and-set. */
  async deleteCurrent(path: string): Promise<void> {
    await this.#done('delete', 'DELETE', this.#path('data', path), 'delete', 'once');
  }

  /** All versions and the metadata. Repeated only where nobody could have written it anew in between. */
  async remove(path: string, repeat: 'safe' | 'once'): Promise<void> {
    await this.#done('remove', 'DELETE', this.#path('metadata', path), 'delete', repeat);
  }

  async setMaxVersions(path: string, maxVersions: number): Promise<void> {
    await this.#done('change of metadata', 'POST', this.#path('metadata', path), 'update', 'safe', {
      max_versions: maxVersions,
    });
  }

  /** Ascending by code unit; what is below a key ends in `/`. */
  async list(folder: string): Promise<readonly string[]> {
    const { status, body } = await this.#client.send({
      method: 'GET',
      path: `${this.#path('metadata', folder)}/`,
      query: 'list=true',
      capability: 'list',
      repeat: 'safe',
      maxBytes: LIST_BYTES,
    });
    if (status === 404) return [];
    if (status !== 200) throw refused('a list', status);
    return [...new Set(parseAnswer(listAnswer, body, 'a list').data.keys)].sort();
  }

  async #done(
    what: string,
    method: 'POST' | 'DELETE',
    path: string,
    capability: Capability,
    repeat: 'safe' | 'once',
    body?: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const { status } = await this.#client.send({ method, path, ...(body && { body }), capability, repeat });
    if (status !== 200 && status !== 204 && status !== 404) throw refused(`a ${what}`, status);
  }

  #path(kind: string, path: string): string {
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    return `${this.#mount}/${kind}/${encoded}`;
  }
}

/** Vault says 404 both where nothing is and, with its facts, where a version is deleted or destroyed. */
function hasData(body: string): boolean {
  const answer = jsonOf(body);
  return typeof answer === 'object' && answer !== null && 'data' in answer && answer.data !== null;
}

/** Vault's own words stay out: they may repeat what was sent. */
function refused(what: string, status: number): SecretError {
  return new SecretError(
    'PROVIDER_INCONSISTENT',
    `expected vault to take ${what}, got status \`${status}\`; see that the mount exists and is KV version 2`,
  );
}
