import { SecretError } from '../errors.ts';
import { changedMetadata, DEFAULT_METADATA } from '../metadata.ts';
import type { SecretMetadata, VersionInfo, VersionReference } from '../provider.ts';
import { versionNotFound } from '../version-id.ts';

export interface VersionEntry {
  readonly version: number;
  readonly id: string;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly description: string;
  readonly state: 'live' | 'deleted' | 'destroyed';
  /** The staged value that it was promoted from; null: written. */
  readonly promoted: string | null;
}

/** All there is to say about a secret but its values: what a head holds when it is open. */
export interface SecretContent {
  /** Random: a secret that was removed and written anew is another one. */
  readonly incarnation: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly metadata: SecretMetadata;
  /** Newest first; the first is current. */
  readonly versions: readonly VersionEntry[];
  /** The token of the staged value. */
  readonly staged: string | null;
}

export function newContent(incarnation: string, at: number, maxVersions: number): SecretContent {
  return {
    incarnation,
    createdAt: at,
    updatedAt: at,
    metadata: changedMetadata(DEFAULT_METADATA, { maxVersions }),
    versions: [],
    staged: null,
  };
}

export function latestOf(content: SecretContent): number {
  return content.versions[0]?.version ?? 0;
}

/** With a version in front; the oldest beyond `maxVersions` go. */
export function withVersion(
  content: SecretContent,
  entry: VersionEntry,
  change: Partial<SecretMetadata> = {},
): SecretContent {
  const metadata = changedMetadata(content.metadata, change);
  const versions = [entry, ...content.versions].slice(0, metadata.maxVersions);
  return { ...content, metadata, versions, updatedAt: entry.createdAt };
}

/** Versions that are destroyed stay so. Throws SECRET_VERSION_NOT_FOUND for one that is not there. */
export function withStates(
  content: SecretContent,
  numbers: readonly number[],
  state: VersionEntry['state'],
  at: number,
): SecretContent {
  const asked = new Set(numbers);
  for (const number of asked) entryOf(content, number);
  const versions = content.versions.map((entry) =>
    asked.has(entry.version) && entry.state !== 'destroyed' ? { ...entry, state } : entry,
  );
  return { ...content, versions, updatedAt: at };
}

/** Throws SECRET_VERSION_NOT_FOUND. */
export function entryOf(content: SecretContent, reference: VersionReference): VersionEntry {
  const { versions } = content;
  const entry =
    reference === 'current'
      ? versions[0]
      : versions.find(({ version, id }) => version === reference || id === reference);
  if (entry === undefined) throw versionNotFound();
  return entry;
}

/** Throws SECRET_DELETED or SECRET_DESTROYED. */
export function readable(entry: VersionEntry): VersionEntry {
  if (entry.state === 'live') return entry;
  throw entry.state === 'deleted'
    ? new SecretError(
        'SECRET_DELETED',
        `expected a version that is there, got \`${entry.version}\`, which was deleted; undelete it`,
      )
    : new SecretError(
        'SECRET_DESTROYED',
        `expected a version that is there, got \`${entry.version}\`, which was destroyed for good`,
      );
}

export function infoOf(content: SecretContent, entry: VersionEntry): VersionInfo {
  const { version, id, createdAt, createdBy, description, state } = entry;
  const shown = state !== 'live' ? state : version === latestOf(content) ? 'current' : 'previous';
  return { version, id, createdAt, createdBy, description, state: shown };
}
