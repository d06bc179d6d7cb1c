import type { JsonObject } from '@provability-fabric/kernel';
import { formatInstant } from '@provability-fabric/policy';
import type { SecretDescription, VersionInfo } from '@provability-fabric/secrets';
import { RequestError } from '../../errors.ts';
import { limitIn, readQuery } from '../../query.ts';
import type { Answer } from '../../respond.ts';
import type { Call } from '../../route.ts';
import { callerOf } from '../caller.ts';
import { NOTHING } from '../rendering.ts';
import { customMetadata, kvAnswer } from './kv-answer.ts';
import type { KvOptions } from './kv-data.ts';
import { listFolder } from './kv-list.ts';
import { kvTarget } from './kv-path.ts';
import { parseKvMetadata, parseKvVersions } from './kv-shapes.ts';

const KEYS = { most: 100_000, usual: 100_000 };

/** One secret's metadata, or with `?list=true` what is in a folder: Node's parser does not know the verb LIST. */
export async function readMetadata(options: KvOptions, call: Call): Promise<Answer> {
  const { list, after, limit } = readQuery(call.query, ['list', 'after', 'limit']);
  const target = kvTarget(options, call);
  if (list === undefined || list === 'false' || list === '0') {
    const description = await options.secrets.describe(callerOf(call), target);
    return kvAnswer(call, renderedMetadata(description));
  }
  const keys = await listFolder(options.secrets, callerOf(call), target);
  const following = after === undefined ? keys : keys.filter((key) => key > after);
  const shown = following.slice(0, limitIn(limit, KEYS));
  // Vault's clients take a folder with nothing in it for one that is not there.
  if (shown.length === 0) return { status: 404, body: { errors: [] } };
  return kvAnswer(call, { keys: [...shown] });
}

export async function writeMetadata(options: KvOptions, call: Call): Promise<Answer> {
  readQuery(call.query, []);
  const target = kvTarget(options, call);
  await options.secrets.changeMetadata(callerOf(call), target, parseKvMetadata(call.body, null));
  return NOTHING;
}

export async function patchMetadata(options: KvOptions, call: Call): Promise<Answer> {
  readQuery(call.query, []);
  const target = kvTarget(options, call);
  const caller = callerOf(call);
  const { metadata } = await options.secrets.describe(caller, target);
  await options.secrets.changeMetadata(caller, target, parseKvMetadata(call.body, metadata.tags));
  return NOTHING;
}

export async function deleteMetadata(options: KvOptions, call: Call): Promise<Answer> {
  readQuery(call.query, []);
  await options.secrets.remove(callerOf(call), kvTarget(options, call));
  return NOTHING;
}

export async function changeVersions(
  options: KvOptions,
  call: Call,
  operation: 'deleteVersions' | 'undelete' | 'destroy',
): Promise<Answer> {
  readQuery(call.query, []);
  const target = kvTarget(options, call);
  await options.secrets[operation](callerOf(call), target, parseKvVersions(call.body));
  return NOTHING;
}

function renderedMetadata({ metadata, createdAt, updatedAt, versions }: SecretDescription): JsonObject {
  const numbers = versions.map(({ version }) => version);
  const rendered = versions.map((info): [string, JsonObject] => [
    `${info.version}`,
    {
      created_time: formatInstant(info.createdAt),
      deletion_time: isGone(info) ? formatInstant(updatedAt) : '',
      destroyed: info.state === 'destroyed',
    },
  ]);
  return {
    cas_required: metadata.casRequired,
    created_time: formatInstant(createdAt),
    current_version: numbers.length === 0 ? 0 : Math.max(...numbers),
    custom_metadata: customMetadata(metadata),
    delete_version_after: '0s',
    max_versions: metadata.maxVersions,
    oldest_version: numbers.length === 0 ? 0 : Math.min(...numbers),
    updated_time: formatInstant(updatedAt),
    versions: Object.fromEntries(rendered),
  };
}

function isGone({ state }: VersionInfo): boolean {
  return state === 'deleted' || state === 'destroyed';
}

/** What a route of an engine that is not mounted here, or of another version of it, is told. */
export function requireMount({ mount }: KvOptions, asked: string): void {
  if (asked !== mount)
    throw new RequestError('FORBIDDEN', `preflight capability check returned 403: expected \`${mount}/\``);
}
