import { field, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { BundleError } from '../errors.ts';
import { followed } from './references.ts';

const METHODS: ReadonlyMap<string, string> = new Map([
  ['get', 'get'],
  ['head', 'get'],
  ['post', 'create'],
  ['put', 'set'],
  ['patch', 'update'],
  ['delete', 'delete'],
]);

/**
 * The operations of an OpenAPI 3 document as tool descriptions: the parameters and the JSON body's members
 * are the arguments. An operation without an id is named by its method and path. Throws BundleError.
 */
export function toolsOfOpenApi(document: JsonValue): JsonValue {
  const version = field(document, 'openapi');
  const paths = field(document, 'paths');
  if (typeof version !== 'string' || !version.startsWith('3.') || !isJsonObject(paths)) {
    throw new BundleError(
      'TOOLS_UNREADABLE',
      'expected an OpenAPI 3 document with `openapi` and `paths`; convert an older one first',
    );
  }
  return Object.entries(paths).flatMap(([path, item]) =>
    [...METHODS].flatMap(([method, verb]) => {
      const operation = field(item, method);
      return isJsonObject(operation) ? [toolOf(document, path, method, verb, item, operation)] : [];
    }),
  );
}

function toolOf(
  document: JsonValue,
  path: string,
  method: string,
  verb: string,
  item: JsonValue,
  operation: JsonObject,
): JsonObject {
  const properties: Record<string, JsonValue> = {};
  const required: string[] = [];
  for (const parameter of [...listOf(field(item, 'parameters')), ...listOf(field(operation, 'parameters'))]) {
    const real = followed(document, parameter);
    const name = field(real, 'name');
    if (typeof name !== 'string' || name === '__proto__') continue;
    properties[name] = field(real, 'schema') ?? {};
    if (field(real, 'required') === true) required.push(name);
  }
  const body = followed(document, jsonSchemaIn(followed(document, field(operation, 'requestBody') ?? null)));
  const members = field(body, 'properties');
  if (isJsonObject(members)) Object.assign(properties, members);
  required.push(...listOf(field(body, 'required')).filter((name) => typeof name === 'string'));
  const id = field(operation, 'operationId');
  const summary = field(operation, 'summary') ?? field(operation, 'description') ?? '';
  return {
    name: nameOf(typeof id === 'string' && id !== '' ? id : `${verb}${path}`),
    description: typeof summary === 'string' ? summary : '',
    // References of the schemas are followed from the arguments' own root.
    inputSchema: { type: 'object', properties, required, components: field(document, 'components') ?? {} },
    annotations: method === 'delete' ? { destructiveHint: true } : {},
  };
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function jsonSchemaIn(body: JsonValue): JsonValue {
  const content = field(body, 'content');
  if (!isJsonObject(content)) return null;
  const type = Object.keys(content).find((name) => /^application\/(?:[a-z.+-]*\+)?json\b/.test(name));
  return type === undefined ? null : (field(content[type], 'schema') ?? null);
}

/** A tool's name out of an id or a path; what a name cannot hold becomes a line. */
function nameOf(text: string): string {
  return (
    text
      .replace(/[^A-Za-z0-9._-]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .slice(0, 128) || 'unnamed'
  );
}
