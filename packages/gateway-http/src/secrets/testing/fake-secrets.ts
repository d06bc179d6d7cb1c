import {
  asSecretName,
  asSecretTenant,
  type Caller,
  checkValue,
  SecretError,
  type SecretMetadata,
  type SecretPlace,
  type SecretTarget,
  type SecretValue,
  type VersionInfo,
  type VersionReference,
} from '@provability-fabric/secrets';
import type { SecretUseCases } from '../ports.ts';

interface Kept {
  metadata: SecretMetadata;
  readonly versions: { info: VersionInfo; value: SecretValue }[];
}

const NOW = 1_767_225_600_000;
const READERS = ['secrets-admin', 'secrets-viewer'];
const WRITING = [
  'write',
  'metadata',
  'rollback',
  'rotate',
  'schedule',
  'delete',
  'undelete',
  'destroy',
  'remove',
];

/** Secrets in memory under a crude table of roles: what was asked is noted, as an audit would. */
export class FakeSecrets implements SecretUseCases {
  /** `operation tenant name RESULT`. */
  readonly accesses: string[] = [];
  readonly kept = new Map<string, Kept>();
  readonly callers: Caller[] = [];
  /** Thrown by whatever is asked next. */
  fault: Error | undefined;
  sealed = false;

  seed(tenant: string, name: string, ...values: SecretValue[]): void {
    for (const value of values) this.#add(`${tenant} ${name}`, value);
  }

  async admit(caller: Caller, operation: Parameters<SecretUseCases['admit']>[1], target: SecretTarget) {
    const note = (result: string) =>
      this.accesses.push(`${operation} ${target.tenant} ${target.name} ${result}`);
    this.callers.push(caller);
    if (this.fault !== undefined) throw this.fault;
    const tenant = asSecretTenant(target.tenant);
    const platform = caller.roles.includes('platform-secrets-admin');
    const needed = WRITING.includes(operation) ? ['secrets-admin'] : [...READERS, 'secrets-sidecar'];
    const mayAudit = operation === 'audit' && caller.roles.includes('auditor');
    const may = platform || mayAudit || needed.some((role) => caller.roles.includes(role));
    if (!may || (!platform && caller.tenant !== tenant)) {
      note('DENIED');
      throw new SecretError('SECRET_FORBIDDEN', 'expected a role that may do this');
    }
    const name = target.name === '' ? ('-' as ReturnType<typeof asSecretName>) : asSecretName(target.name);
    note('SUCCESS');
    return { tenant, name };
  }

  async perform<T>(
    caller: Caller,
    operation: Parameters<SecretUseCases['admit']>[1],
    target: SecretTarget,
    work: (place: SecretPlace) => Promise<T>,
  ): Promise<T> {
    return work(await this.admit(caller, operation, target));
  }

  async read(caller: Caller, target: SecretTarget, version: VersionReference = 'current') {
    const kept = await this.#kept(caller, 'read', target);
    const found = this.#version(kept, version);
    if (found.info.state === 'deleted') throw new SecretError('SECRET_DELETED', 'the version is deleted');
    return { value: found.value, version: found.info, metadata: kept.metadata };
  }

  async write(caller: Caller, target: SecretTarget, request: Parameters<SecretUseCases['write']>[2]) {
    const { tenant, name } = await this.admit(caller, 'write', target);
    const value = checkValue(request.value);
    const key = `${tenant} ${name}`;
    const kept = this.kept.get(key);
    const current = kept?.versions[0]?.info.version ?? 0;
    const isStale = request.cas === undefined ? kept?.metadata.casRequired : request.cas !== current;
    if (isStale) throw new SecretError('SECRET_CONFLICT', 'expected another version');
    return this.#add(key, value);
  }

  async list(caller: Caller, tenant: string, query: Parameters<SecretUseCases['list']>[2] = {}) {
    await this.admit(caller, 'list', { tenant, name: '' });
    const { prefix = '', limit = 100, cursor = '' } = query;
    const all = [...this.kept.keys()]
      .filter((key) => key.startsWith(`${tenant} ${prefix}`))
      .map((key) => asSecretName(key.slice(tenant.length + 1)))
      .sort()
      .filter((name) => name > cursor);
    const names = all.slice(0, limit);
    return { names, cursor: all.length > limit ? (names.at(-1) ?? null) : null };
  }

  async describe(caller: Caller, target: SecretTarget) {
    const { metadata, versions } = await this.#kept(caller, 'describe', target);
    const name = asSecretName(target.name);
    const infos = versions.map(({ info }) => info);
    return { name, createdAt: NOW, updatedAt: NOW + 5000, metadata, versions: infos };
  }

  async compare(caller: Caller, target: SecretTarget, from: VersionReference, to: VersionReference) {
    const kept = await this.#kept(caller, 'compare', target);
    const [a, b] = [this.#version(kept, from), this.#version(kept, to)];
    const fields = Object.keys({ ...a.value, ...b.value }).filter((f) => a.value[f] !== b.value[f]);
    return {
      from: a.info,
      to: b.info,
      changes: fields.map((field) => ({ field, change: 'modified' as const })),
    };
  }

  async rollback(caller: Caller, target: SecretTarget, version: VersionReference) {
    const kept = await this.#kept(caller, 'rollback', target);
    return this.#add(`${target.tenant} ${target.name}`, this.#version(kept, version).value);
  }

  async deleteVersions(caller: Caller, target: SecretTarget, versions?: readonly number[]) {
    this.#mark(await this.#kept(caller, 'delete', target), versions, 'deleted');
  }

  async undelete(caller: Caller, target: SecretTarget, versions: readonly number[]) {
    this.#mark(await this.#kept(caller, 'undelete', target), versions, 'previous');
  }

  async destroy(caller: Caller, target: SecretTarget, versions: readonly number[]) {
    this.#mark(await this.#kept(caller, 'destroy', target), versions, 'destroyed');
  }

  async remove(caller: Caller, target: SecretTarget) {
    await this.#kept(caller, 'remove', target);
    this.kept.delete(`${target.tenant} ${target.name}`);
  }

  async eraseTenant(caller: Caller, tenant: string) {
    await this.admit(caller, 'remove', { tenant, name: '' });
    for (const key of [...this.kept.keys()]) if (key.startsWith(`${tenant} `)) this.kept.delete(key);
  }

  async changeMetadata(caller: Caller, target: SecretTarget, change: Partial<SecretMetadata>) {
    const kept = await this.#kept(caller, 'metadata', target);
    kept.metadata = { ...kept.metadata, ...change };
    return kept.metadata;
  }

  async use(caller: Caller, target: SecretTarget, { field }: Parameters<SecretUseCases['use']>[2]) {
    const { value, info } = this.#version(await this.#kept(caller, 'use', target), 'current');
    return { value: value[field ?? 'value'] ?? '', version: info.version };
  }

  async health() {
    return { sealed: this.sealed, problems: [] };
  }

  async #kept(caller: Caller, operation: Parameters<SecretUseCases['admit']>[1], target: SecretTarget) {
    const { tenant, name } = await this.admit(caller, operation, target);
    const kept = this.kept.get(`${tenant} ${name}`);
    if (kept === undefined) throw new SecretError('SECRET_NOT_FOUND', 'expected a secret of this name');
    return kept;
  }

  #version({ versions }: Kept, asked: VersionReference) {
    const found = versions.find(
      ({ info }, at) => info.version === asked || info.id === asked || (asked === 'current' && at === 0),
    );
    if (found === undefined) throw new SecretError('SECRET_VERSION_NOT_FOUND', 'expected a known version');
    return found;
  }

  #mark({ versions }: Kept, numbers: readonly number[] | undefined, state: VersionInfo['state']): void {
    const wanted = numbers ?? [versions[0]?.info.version];
    for (const version of versions)
      if (wanted.includes(version.info.version)) version.info = { ...version.info, state };
  }

  #add(key: string, value: SecretValue): VersionInfo {
    const metadata: SecretMetadata = { sensitivity: 'medium', tags: {}, maxVersions: 10, casRequired: false };
    const kept = this.kept.get(key) ?? { metadata, versions: [] };
    const version = (kept.versions[0]?.info.version ?? 0) + 1;
    const id = `v${NOW + version}-${`${version}`.padStart(6, '0')}`;
    const info = {
      version,
      id,
      createdAt: NOW,
      createdBy: 'alice',
      description: '',
      state: 'current',
    } as const;
    kept.versions.unshift({ info, value });
    this.kept.set(key, kept);
    return info;
  }
}
