import { SecretError, type SecretName, type StoredSecret } from '@provability-fabric/secrets';
import { type MountAttributes, parseAttributes } from './attributes.ts';
import { CsiError } from './errors.ts';
import { type MountObject, parseObjects } from './objects.ts';
import { type ClusterOptions, identifyPod } from './pod-identity.ts';
import type { MountReader, MountSecrets } from './ports.ts';
import type { MountGrant } from './rules.ts';
import type { MountedFile, MountRequest, MountResponse } from './service-descriptor.ts';

export interface MountParts {
  readonly cluster: ClusterOptions;
  readonly grantOf: (identity: { namespace: string; serviceAccount: string }) => MountGrant | undefined;
  readonly secrets: MountSecrets;
}

export interface Mounted {
  readonly reader: MountReader;
  readonly response: MountResponse;
}

/** What a secret refused, with the object that it was asked for. */
export class ObjectRefusal extends Error {
  readonly object: string;
  readonly reader: MountReader;
  override readonly cause: unknown;

  constructor(object: string, reader: MountReader, cause: unknown) {
    super('an object cannot be mounted');
    this.object = object;
    this.reader = reader;
    this.cause = cause;
  }
}

/** The driver's own mode; also what it sends. */
const DEFAULT_MODE = 0o644;
/** More could not be synced into a Secret of Kubernetes, and near 4 MiB the driver takes no answer. */
const MAX_BYTES = 1_048_576;
const AT_ONCE = 4;

/** All of a pod's files or none. Throws CsiError, or ObjectRefusal around what an object failed with. */
export async function mount(request: MountRequest, parts: MountParts): Promise<Mounted> {
  const { cluster, grantOf, secrets } = parts;
  const attributes = parseAttributes(request.attributes, request.secrets, cluster.audience);
  const identity = await identifyPod(attributes, cluster);
  const { namespace, serviceAccount, pod } = identity;
  const grant = grantOf(identity);
  if (grant === undefined)
    throw forbidden(`a rule for the service account \`${namespace}:${serviceAccount}\`, there is none`);
  const reader: MountReader = {
    tenant: grant.tenant,
    principal: `system:serviceaccount:${namespace}:${serviceAccount}`,
    namespace,
    serviceAccount,
    pod,
  };
  const objects = parseObjects(attributes.objects);
  // A pod that names another's tenant is on record like one that names another's secret.
  const [first] = objects;
  if (first !== undefined && isOtherTenant(attributes, grant)) {
    await secrets.refuse(reader, first.name);
    const expected =
      'the parameter `tenant` of the SecretProviderClass to be the tenant of the service account, or to be left out';
    throw new ObjectRefusal(first.name, reader, forbidden(expected));
  }
  const refused = objects.find(({ name }) => !grant.allows(name));
  if (refused !== undefined) {
    await secrets.refuse(reader, refused.name);
    const error = forbidden(
      `names that the rule of \`${namespace}:${serviceAccount}\` allows, got \`${refused.name}\``,
    );
    throw new ObjectRefusal(refused.name, reader, error);
  }
  const mode = modeOf(request.permission);
  const stored = await readAll(objects, reader, secrets);
  const files: MountedFile[] = [];
  const objectVersion: { id: string; version: string }[] = [];
  let bytes = 0;
  for (const [index, object] of objects.entries()) {
    const { value, version } = stored[index] as StoredSecret;
    const { field, text } = fieldOf(object, value, reader);
    const contents = Buffer.from(text, 'utf8');
    bytes += contents.length;
    if (bytes > MAX_BYTES)
      throw new CsiError('MOUNT_TOO_LARGE', `expected at most ${MAX_BYTES} bytes in one volume`);
    files.push({ path: object.path, mode: object.mode ?? mode, contents });
    objectVersion.push({ id: `${object.name}#${field}:${object.path}`, version: version.id });
  }
  return { reader, response: { objectVersion, files } };
}

/** A class may say which tenant it is for; it never chooses one. */
function isOtherTenant({ tenant }: MountAttributes, grant: MountGrant): boolean {
  return tenant !== undefined && tenant !== grant.tenant;
}

/**
 * One access for each secret and version, however many files it fills: so that a user name and its password
 * are of one version also while it changes.
 */
async function readAll(
  objects: readonly MountObject[],
  reader: MountReader,
  secrets: MountSecrets,
): Promise<readonly StoredSecret[]> {
  const wanted = new Map<string, { name: SecretName; version: MountObject['version'] }>();
  for (const { name, version } of objects) wanted.set(`${name}@${version}`, { name, version });
  const queue = [...wanted];
  const found = new Map<string, StoredSecret>();
  let failed = false;
  const work = async () => {
    for (let next = queue.shift(); next !== undefined && !failed; next = queue.shift()) {
      const [key, { name, version }] = next;
      try {
        found.set(key, await secrets.read(reader, name, version));
      } catch (error) {
        failed = true;
        throw new ObjectRefusal(name, reader, error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return objects.map(({ name, version }) => found.get(`${name}@${version}`) as StoredSecret);
}

function fieldOf(
  { name, field }: MountObject,
  value: StoredSecret['value'],
  reader: MountReader,
): { readonly field: string; readonly text: string } {
  const fields = Object.keys(value);
  const chosen = field ?? (fields.length === 1 ? fields[0] : undefined);
  const text = chosen !== undefined && Object.hasOwn(value, chosen) ? value[chosen] : undefined;
  if (chosen !== undefined && text !== undefined) return { field: chosen, text };
  const expected =
    field === undefined
      ? `\`field\` for \`${name}\`, which has ${fields.length} fields`
      : `\`${name}\` to have the field \`${field}\``;
  throw new ObjectRefusal(name, reader, new CsiError('MOUNT_FIELD_UNKNOWN', `expected ${expected}`));
}

/** Go's `os.FileMode` as JSON: a decimal number. */
function modeOf(permission: string): number {
  if (permission === '') return DEFAULT_MODE;
  const mode = /^[0-9]{1,3}$/.test(permission) ? Number(permission) : Number.NaN;
  if (mode >= 0 && mode <= 0o777) return mode;
  throw new CsiError('MOUNT_MALFORMED', 'expected `permission` to be a number from 0 to 511');
}

function forbidden(expected: string): CsiError {
  return new CsiError('MOUNT_FORBIDDEN', `expected ${expected}`);
}

/** What the driver counts failures by: a SecretError's code. */
export function secretCodeOf(error: unknown): string | undefined {
  return error instanceof SecretError ? error.code : undefined;
}
