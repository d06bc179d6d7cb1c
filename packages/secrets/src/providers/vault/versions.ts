import { SecretError } from '../../errors.ts';
import type { SecretPlace } from '../../names.ts';
import type { VersionInfo, VersionReference } from '../../provider.ts';
import { versionNotFound } from '../../version-id.ts';
import { derivedVersionId } from '../derived-version-id.ts';
import { placeText, UNKNOWN_AUTHOR } from '../fabric-note.ts';
import { notFound } from '../races.ts';
import { inconsistent } from './answers.ts';
import type { KeptMetadata, KeptVersion, KeyValue } from './key-value.ts';
import type { About, MetadataDocuments } from './metadata-document.ts';
import { noteOf, type ValueNote, wordsOf } from './notes.ts';
import type { VaultPaths } from './paths.ts';

/** Far more than are kept; a mount may keep more than we ask for. */
const MOST_SHOWN = 200;

function idOf(place: SecretPlace, version: number, createdTime: string): string {
  return derivedVersionId(Date.parse(createdTime), [placeText(place), version, createdTime]);
}

export function infoOf(
  place: SecretPlace,
  { version, createdTime }: Pick<KeptVersion, 'version' | 'createdTime'>,
  words: { readonly by: string; readonly why: string },
  state: VersionInfo['state'],
): VersionInfo {
  return {
    version,
    id: idOf(place, version, createdTime),
    createdAt: Date.parse(createdTime),
    createdBy: words.by,
    description: words.why,
    state,
  };
}

/** Throws SECRET_NOT_FOUND. */
export function existing(kept: KeptMetadata | null): KeptMetadata {
  if (kept === null || kept.current === 0) throw notFound();
  return kept;
}

/** Throws SECRET_VERSION_NOT_FOUND. */
export function findVersion(
  place: SecretPlace,
  kept: KeptMetadata,
  reference: VersionReference,
): KeptVersion {
  const found = kept.versions.find(
    ({ version, createdTime }) => version === reference || idOf(place, version, createdTime) === reference,
  );
  if (found === undefined) throw versionNotFound();
  return found;
}

/** Newest first. Who wrote them stands with their values, or, where those are hidden, with the metadata. */
export async function describeVersions(
  kv: KeyValue,
  place: SecretPlace,
  paths: VaultPaths,
  kept: KeptMetadata,
  about: About,
): Promise<readonly VersionInfo[]> {
  return Promise.all(
    kept.versions.slice(0, MOST_SHOWN).map(async (version) => {
      // Vault's clock decides whether it is deleted, and ours may be behind.
      const found = version.state === 'kept' ? await kv.read(paths.value, version.version) : undefined;
      const state = found?.kind === 'deleted' || found?.kind === 'destroyed' ? found.kind : version.state;
      const shown = state !== 'kept' ? state : version.version === kept.current ? 'current' : 'previous';
      const words = found?.kind === 'found' ? wordsOf(noteOf('value', place, found.data)) : undefined;
      const remembered = about.note.hidden[String(version.version)];
      return infoOf(place, version, words ?? remembered ?? { by: UNKNOWN_AUTHOR, why: '' }, shown);
    }),
  );
}

/** The newest above `base` that was promoted from the staged value of this key. */
export async function findPromoted(
  kv: KeyValue,
  place: SecretPlace,
  paths: VaultPaths,
  kept: KeptMetadata,
  key: string,
  base: number,
): Promise<VersionInfo | undefined> {
  for (const version of kept.versions) {
    if (version.version <= base) return undefined;
    const found = await noteAt(kv, place, paths, version);
    if (found?.note?.promoted === key)
      return infoOf(
        place,
        version,
        wordsOf(found.note),
        version.version === kept.current ? 'current' : 'previous',
      );
  }
  return undefined;
}

/**
 * Takes versions out of sight, or destroys them. A policy without `update` on the path `delete` still lets the current
 * version be deleted, by a request that names no version: that is found out afterwards.
 */
export async function hideVersions(
  kv: KeyValue,
  documents: MetadataDocuments,
  place: SecretPlace,
  paths: VaultPaths,
  numbers: readonly number[],
  how: 'delete' | 'destroy',
): Promise<void> {
  const kept = existing(await kv.metadata(paths.value));
  const open = [...new Set(numbers)]
    .map((number) => findVersion(place, kept, number))
    .filter(({ state }) => (how === 'delete' ? state === 'kept' : state !== 'destroyed'));
  if (open.length === 0) return;
  const words = await Promise.all(
    open.map(async (version) => [String(version.version), await wordsAt(kv, place, paths, version)] as const),
  );
  await documents.remember(
    place,
    paths,
    kept,
    Object.fromEntries(words.flatMap(([version, found]) => (found === undefined ? [] : [[version, found]]))),
  );
  const versions = open.map(({ version }) => version);
  try {
    await kv.change(how, paths.value, versions);
  } catch (error) {
    const onlyCurrent = how === 'delete' && versions.length === 1 && versions[0] === kept.current;
    if (!onlyCurrent || !(error instanceof SecretError) || error.code !== 'PROVIDER_FORBIDDEN') throw error;
    await kv.deleteCurrent(paths.value);
    if ((await kv.read(paths.value, kept.current)).kind === 'found')
      throw inconsistent(
        `expected version \`${kept.current}\` to be deleted, but another was written at that moment and was deleted in its ` +
          `place; undelete it, and grant \`update\` on vault's path \`delete\``,
      );
  }
}

async function wordsAt(
  kv: KeyValue,
  place: SecretPlace,
  paths: VaultPaths,
  version: KeptVersion,
): Promise<{ readonly by: string; readonly why: string } | undefined> {
  const found = await noteAt(kv, place, paths, version);
  if (found === undefined) return undefined;
  const { by, why } = wordsOf(found.note);
  return { by, why };
}

async function noteAt(
  kv: KeyValue,
  place: SecretPlace,
  paths: VaultPaths,
  version: KeptVersion,
): Promise<{ readonly note: ValueNote | undefined } | undefined> {
  if (version.state !== 'kept') return undefined;
  const found = await kv.read(paths.value, version.version);
  return found.kind === 'found' ? { note: noteOf('value', place, found.data) } : undefined;
}
