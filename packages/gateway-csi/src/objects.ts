import { asSecretName, type SecretName, type VersionReference } from '@provability-fabric/secrets';
import { parse } from 'yaml';
import { z } from 'zod';
import { CsiError } from './errors.ts';

/** One file of the volume. */
export interface MountObject {
  readonly name: SecretName;
  /** Absent: the secret has one field, and that is meant. */
  readonly field: string | undefined;
  readonly version: VersionReference;
  /** Relative; segments that begin with a letter, digit or `_`. */
  readonly path: string;
  /** Absent: the driver's. */
  readonly mode: number | undefined;
}

const MAX_CHARACTERS = 65_536;
const MAX_OBJECTS = 128;
const MAX_PATH = 255;
/** No segment begins with a dot: `..data` is the driver's own link, and `..` leads out of the volume. */
const PATH = /^[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*){0,7}$/;
const PERMISSION = /^0?[0-7]{3}$/;

const objectSchema = z.strictObject({
  objectName: z.string(),
  fileName: z.string().optional(),
  objectAlias: z.string().optional(),
  field: z.string().min(1).max(127).optional(),
  version: z.union([z.int().positive(), z.string().min(1).max(64)]).optional(),
  filePermission: z.string().regex(PERMISSION).optional(),
});
const objectsSchema = z.array(objectSchema).min(1).max(MAX_OBJECTS);

/** The parameter `objects` of a SecretProviderClass. Throws MOUNT_MALFORMED. */
export function parseObjects(text: string): readonly MountObject[] {
  if (text.length > MAX_CHARACTERS)
    throw malformed(`at most ${MAX_CHARACTERS} characters, got \`${text.length}\``);
  const parsed = objectsSchema.safeParse(parseYaml(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw malformed(`a list of objects: at \`${issue?.path.join('.')}\`: ${issue?.message.slice(0, 200)}`);
  }
  const objects = parsed.data.map(objectOf);
  refuseClashes(objects);
  return objects;
}

function parseYaml(text: string): unknown {
  try {
    // Aliases are how a short text becomes a long one.
    return parse(text, { maxAliasCount: 0, uniqueKeys: true, schema: 'core', logLevel: 'error' });
  } catch (error) {
    throw malformed('a YAML list without aliases and without repeated keys', error);
  }
}

function objectOf(object: z.infer<typeof objectSchema>, index: number): MountObject {
  const { objectName, fileName, objectAlias, field, version, filePermission } = object;
  if (fileName !== undefined && objectAlias !== undefined)
    throw malformed(`\`fileName\` or \`objectAlias\` at \`${index}\`, not both`);
  const path = fileName ?? objectAlias ?? objectName;
  if (path.length > MAX_PATH || !PATH.test(path) || path.includes('..'))
    throw malformed(
      `at \`${index}\` a relative file name, its segments out of A-Z a-z 0-9 . _ - and none beginning with a dot`,
    );
  return {
    name: nameOf(objectName, index),
    field,
    version: versionOf(version),
    path,
    mode: filePermission === undefined ? undefined : Number.parseInt(filePermission, 8),
  };
}

function nameOf(objectName: string, index: number): SecretName {
  try {
    return asSecretName(objectName);
  } catch (error) {
    throw malformed(
      `at \`${index}\` an objectName like \`db/primary\`: segments out of A-Z a-z 0-9 . _ -`,
      error,
    );
  }
}

function versionOf(version: number | string | undefined): VersionReference {
  if (version === undefined) return 'current';
  return typeof version === 'string' && /^[1-9][0-9]{0,8}$/.test(version) ? Number(version) : version;
}

/** Neither two objects in one file, nor a file where another one needs a folder. */
function refuseClashes(objects: readonly MountObject[]): void {
  const files = new Set<string>();
  for (const { path } of objects) {
    if (files.has(path)) throw malformed(`one object for each file, got two for \`${path}\``);
    files.add(path);
  }
  for (const { path } of objects)
    for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1))
      if (files.has(path.slice(0, end)))
        throw malformed(`\`${path.slice(0, end)}\` to be a file or a folder, got both`);
}

function malformed(expected: string, cause?: unknown): CsiError {
  return new CsiError('MOUNT_MALFORMED', `expected the parameter \`objects\` to hold ${expected}`, { cause });
}
