import { asToolName, field, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { BundleError } from '../errors.ts';

/**
 * What a server says of one of its tools. All of it is the server's word: it may be wrong, and it may lie.
 */
export interface ToolDescription {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly input: JsonObject;
  /** JSON Schema of the result, where the server gives one. */
  readonly output: JsonObject | null;
  readonly hints: ToolHints;
}

/** MCP's annotations. Hints, as the specification says: they may make a guess stricter, never looser. */
export interface ToolHints {
  readonly readOnly: boolean | null;
  readonly destructive: boolean | null;
  readonly idempotent: boolean | null;
  readonly openWorld: boolean | null;
}

const MAX_TOOLS = 1000;
const MAX_DESCRIPTION = 10_000;

/**
 * Reads tool descriptions as servers give them: a list or an object with `tools`, each with `name`,
 * `description` and the arguments' schema as `inputSchema` (MCP), `input_schema` or `parameters` (function
 * calling, also inside `function`). Throws BundleError.
 */
export function parseToolDescriptions(value: JsonValue): readonly ToolDescription[] {
  const list = Array.isArray(value) ? value : field(value, 'tools');
  if (!Array.isArray(list)) throw malformed('a list of tools, or an object with `tools`');
  if (list.length === 0) throw malformed('at least one tool');
  if (list.length > MAX_TOOLS) throw malformed(`at most ${MAX_TOOLS} tools`);
  const seen = new Set<string>();
  return list.map((entry: JsonValue, index: number) => {
    const tool = parseTool(field(entry, 'function') ?? entry, `tool ${index}`);
    if (seen.has(tool.name)) throw malformed(`each tool once, came \`${tool.name}\` again`);
    seen.add(tool.name);
    return tool;
  });
}

function parseTool(value: JsonValue, where: string): ToolDescription {
  const name = field(value, 'name');
  if (typeof name !== 'string' || !isToolName(name)) {
    throw malformed(`${where} to have a name of 1 to 128 characters out of A-Z a-z 0-9 . _ : @ / + -`);
  }
  const annotations = field(value, 'annotations') ?? {};
  const described = field(value, 'description');
  return {
    name,
    description: typeof described === 'string' ? described.slice(0, MAX_DESCRIPTION) : '',
    input: schemaOf(value, ['inputSchema', 'input_schema', 'parameters']) ?? {},
    output: schemaOf(value, ['outputSchema', 'output_schema']),
    hints: {
      readOnly: hint(annotations, 'readOnlyHint'),
      destructive: hint(annotations, 'destructiveHint'),
      idempotent: hint(annotations, 'idempotentHint'),
      openWorld: hint(annotations, 'openWorldHint'),
    },
  };
}

function isToolName(text: string): boolean {
  try {
    asToolName(text);
    return text !== '*';
  } catch {
    return false;
  }
}

function schemaOf(value: JsonValue, keys: readonly string[]): JsonObject | null {
  for (const key of keys) {
    const schema = field(value, key);
    if (isJsonObject(schema)) return schema;
  }
  return null;
}

function hint(annotations: JsonValue, key: string): boolean | null {
  const said = field(annotations, key);
  return typeof said === 'boolean' ? said : null;
}

function malformed(expected: string): BundleError {
  return new BundleError('TOOLS_UNREADABLE', `expected ${expected}; write what \`tools/list\` answers`);
}
