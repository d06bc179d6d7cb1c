import type { JsonObject, JsonValue } from '@provability-fabric/kernel';
import {
  type Caller,
  SecretError,
  type SecretTarget,
  type VersionReference,
} from '@provability-fabric/secrets';
import { RequestError } from '../../errors.ts';
import { readQuery } from '../../query.ts';
import type { Answer } from '../../respond.ts';
import type { Call } from '../../route.ts';
import { callerOf, versionOf } from '../caller.ts';
import type { SecretUseCases } from '../ports.ts';
import { NOTHING } from '../rendering.ts';
import { requireShort } from '../request-shapes.ts';
import { kvAnswer, kvVersion } from './kv-answer.ts';
import { type KvSettings, kvTarget } from './kv-path.ts';
import { parseKvWrite } from './kv-shapes.ts';

export interface KvOptions extends KvSettings {
  readonly secrets: SecretUseCases;
}

const PATCH_ATTEMPTS = 3;
const GONE = new Set(['SECRET_DELETED', 'SECRET_DESTROYED']);
const STALE = 'check-and-set parameter did not match the current version';
const NEEDED = 'check-and-set parameter required for this call';

export async function readData(options: KvOptions, call: Call): Promise<Answer> {
  return answerVersion(options, call, ['version'], ({ value }) => ({ data: { ...value } }));
}

/** The fields without what is in them. */
export async function readSubkeys(options: KvOptions, call: Call): Promise<Answer> {
  return answerVersion(options, call, ['version', 'depth'], ({ value }) => ({
    subkeys: Object.fromEntries(Object.keys(value).map((name) => [name, null])),
  }));
}

async function answerVersion(
  options: KvOptions,
  call: Call,
  known: readonly ('version' | 'depth')[],
  render: (secret: { readonly value: Readonly<Record<string, string>> }) => JsonObject,
): Promise<Answer> {
  const { version: asked } = readQuery(call.query, known);
  const target = kvTarget(options, call);
  const caller = callerOf(call);
  const version = asked === '0' ? 'current' : versionOf(asked);
  try {
    const secret = await options.secrets.read(caller, target, version);
    const metadata = kvVersion(secret.version, secret.metadata, null);
    return kvAnswer(call, { ...render(secret), metadata });
  } catch (error) {
    if (!(error instanceof SecretError) || !GONE.has(error.code)) throw error;
    const metadata = await goneVersion(options, caller, target, version);
    if (metadata === null) throw error;
    return kvAnswer(call, { [known.includes('depth') ? 'subkeys' : 'data']: null, metadata }, 404);
  }
}

/** Clients want to know of a version that was deleted that it was there. */
async function goneVersion(
  { secrets }: KvOptions,
  caller: Caller,
  target: SecretTarget,
  asked: VersionReference,
): Promise<JsonValue> {
  const { versions, metadata, updatedAt } = await secrets.describe(caller, target);
  const found = versions.find(
    ({ version, id }, at) => version === asked || id === asked || (asked === 'current' && at === 0),
  );
  return found === undefined ? null : kvVersion(found, metadata, updatedAt);
}

export async function writeData(options: KvOptions, call: Call): Promise<Answer> {
  readQuery(call.query, []);
  const target = kvTarget(options, call);
  const { data, cas } = parseKvWrite(call.body);
  requireShort(data);
  const request = { value: data, ...(cas !== undefined && { cas }) };
  const written = await options.secrets.write(callerOf(call), target, request).catch((error: unknown) => {
    throw isConflict(error) ? conflict(cas === undefined ? NEEDED : STALE) : error;
  });
  return kvAnswer(call, kvVersion(written, null, null));
}

/** A merge patch (RFC 7396) of the current value, written upon the very version that was read. */
export async function patchData(options: KvOptions, call: Call): Promise<Answer> {
  readQuery(call.query, []);
  const target = kvTarget(options, call);
  const { data, cas } = parseKvWrite(call.body);
  const caller = callerOf(call);
  for (let attempt = 1; ; attempt++) {
    const { value, version } = await options.secrets.read(caller, target);
    if (cas !== undefined && cas !== version.version) throw conflict(STALE);
    const merged = Object.entries({ ...value, ...data }).filter(([, content]) => content !== null);
    const patched = Object.fromEntries(merged);
    requireShort(patched);
    try {
      const request = { value: patched, cas: version.version };
      return kvAnswer(call, kvVersion(await options.secrets.write(caller, target, request), null, null));
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (cas !== undefined || attempt === PATCH_ATTEMPTS) throw conflict(STALE);
    }
  }
}

export async function deleteData(options: KvOptions, call: Call): Promise<Answer> {
  readQuery(call.query, []);
  await options.secrets.deleteVersions(callerOf(call), kvTarget(options, call));
  return NOTHING;
}

function isConflict(error: unknown): boolean {
  return error instanceof SecretError && error.code === 'SECRET_CONFLICT';
}

function conflict(detail: string): RequestError {
  return new RequestError('SECRET_CONFLICT', detail);
}
