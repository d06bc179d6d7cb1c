interface Version {
  readonly data: Readonly<Record<string, unknown>>;
  readonly createdTime: string;
  deletionTime: string;
  destroyed: boolean;
}

interface Key {
  current: number;
  maxVersions: number;
  casRequired: boolean;
  readonly createdTime: string;
  updatedTime: string;
  readonly versions: Map<number, Version>;
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
}

const NOTHING: Reply = { status: 404, body: { errors: [] } };
const DONE: Reply = { status: 204 };
const OWN_MAXIMUM = 10;

/** KV version 2 in memory, with the answers of its documentation. */
export class FakeKeyValue {
  readonly #keys = new Map<string, Key>();
  readonly #now: () => number;
  #nanos = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  has(path: string): boolean {
    return this.#keys.has(path);
  }

  read(path: string, asked: number): Reply {
    const key = this.#keys.get(path);
    const number = asked === 0 ? key?.current : asked;
    const version = key?.versions.get(number ?? 0);
    if (number === undefined || version === undefined) return NOTHING;
    const metadata = { ...factsOf(version), custom_metadata: null, version: number };
    const hidden = version.destroyed || this.#isDeleted(version);
    return {
      status: hidden ? 404 : 200,
      body: wrapped({ data: hidden ? null : version.data, metadata }),
    };
  }

  write(path: string, body: Readonly<Record<string, unknown>>): Reply {
    const { data } = body;
    if (typeof data !== 'object' || data === null) return error(400, 'no data provided');
    const key = this.#keys.get(path) ?? this.#newKey();
    const cas = (body.options as { cas?: unknown } | undefined)?.cas;
    if (cas === undefined && key.casRequired)
      return error(400, 'check-and-set parameter required for this call');
    if (cas !== undefined && cas !== key.current)
      return error(400, 'check-and-set parameter did not match the current version');
    this.#keys.set(path, key);
    const createdTime = this.#time();
    key.current += 1;
    key.updatedTime = createdTime;
    const version = { data: { ...data }, createdTime, deletionTime: '', destroyed: false };
    key.versions.set(key.current, version);
    for (const number of [...key.versions.keys()])
      if (number <= key.current - (key.maxVersions || OWN_MAXIMUM)) key.versions.delete(number);
    return {
      status: 200,
      body: wrapped({ ...factsOf(version), custom_metadata: null, version: key.current }),
    };
  }

  deleteCurrent(path: string): Reply {
    return this.change('delete', path, [this.#keys.get(path)?.current ?? 0]);
  }

  change(how: 'delete' | 'undelete' | 'destroy', path: string, versions: readonly number[]): Reply {
    const key = this.#keys.get(path);
    if (key === undefined) return how === 'delete' ? DONE : NOTHING;
    for (const number of versions) {
      const version = key.versions.get(number);
      if (version === undefined || version.destroyed) continue;
      if (how === 'destroy') {
        key.versions.set(number, { ...version, data: {}, destroyed: true });
      } else if (how === 'undelete') version.deletionTime = '';
      else if (!this.#isDeleted(version)) version.deletionTime = this.#time();
    }
    return DONE;
  }

  metadata(path: string): Reply {
    const key = this.#keys.get(path);
    if (key === undefined) return NOTHING;
    return {
      status: 200,
      body: wrapped({
        cas_required: key.casRequired,
        created_time: key.createdTime,
        current_version: key.current,
        custom_metadata: null,
        delete_version_after: '0s',
        max_versions: key.maxVersions,
        oldest_version: Math.min(...key.versions.keys()) || 0,
        updated_time: key.updatedTime,
        versions: Object.fromEntries(
          [...key.versions].map(([number, version]) => [number, factsOf(version)]),
        ),
      }),
    };
  }

  setMetadata(path: string, body: Readonly<Record<string, unknown>>): Reply {
    const key = this.#keys.get(path) ?? this.#newKey();
    if (typeof body.max_versions === 'number') key.maxVersions = body.max_versions;
    if (typeof body.cas_required === 'boolean') key.casRequired = body.cas_required;
    this.#keys.set(path, key);
    return DONE;
  }

  remove(path: string): Reply {
    this.#keys.delete(path);
    return DONE;
  }

  list(folder: string): Reply {
    const keys = new Set<string>();
    for (const path of this.#keys.keys())
      if (path.startsWith(folder)) {
        const [first = '', ...rest] = path.slice(folder.length).split('/');
        keys.add(rest.length > 0 ? `${first}/` : first);
      }
    return keys.size === 0 ? NOTHING : { status: 200, body: wrapped({ keys: [...keys].sort() }) };
  }

  #newKey(): Key {
    const time = this.#time();
    return {
      current: 0,
      maxVersions: 0,
      casRequired: false,
      createdTime: time,
      updatedTime: time,
      versions: new Map(),
    };
  }

  #isDeleted({ deletionTime }: Version): boolean {
    return deletionTime !== '' && Date.parse(deletionTime) <= this.#now();
  }

  /** With nine digits, as Go writes them. */
  #time(): string {
    this.#nanos = (this.#nanos + 1) % 1_000_000;
    return new Date(this.#now()).toISOString().replace('Z', `${String(this.#nanos).padStart(6, '0')}Z`);
  }
}

export function error(status: number, text: string): Reply {
  return { status, body: { errors: [text] } };
}

function factsOf({ createdTime, deletionTime, destroyed }: Version) {
  return { created_time: createdTime, deletion_time: deletionTime, destroyed };
}

function wrapped(data: unknown) {
  return {
    request_id: '00000000-0000-0000-0000-000000000000',
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data,
    wrap_info: null,
    warnings: null,
    auth: null,
    mount_type: 'kv',
  };
}
