import { field, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';

/** What one server said to `initialize`. */
export interface Introduction {
  readonly name: string;
  readonly result: JsonObject;
}

/** One answer for all: the oldest protocol that one of them speaks, and what any of them can do. */
export function mergeIntroductions(introductions: readonly Introduction[]): JsonObject {
  let protocolVersion = '';
  let capabilities: JsonObject = {};
  const instructions: string[] = [];
  for (const { name, result } of introductions) {
    const version = field(result, 'protocolVersion');
    if (typeof version === 'string' && (protocolVersion === '' || version < protocolVersion)) {
      protocolVersion = version;
    }
    const own = field(result, 'capabilities');
    if (isJsonObject(own)) capabilities = mergeCapabilities(capabilities, own);
    const said = field(result, 'instructions');
    if (typeof said === 'string') instructions.push(`${name}:\n${said}`);
  }
  return {
    protocolVersion,
    capabilities,
    serverInfo: { name: 'provability-fabric', version: '1' },
    ...(instructions.length > 0 && { instructions: instructions.join('\n\n') }),
  };
}

/** Members are joined, of two flags either is enough; where both say something else, the first holds. */
function mergeCapabilities(first: JsonObject, second: JsonObject): JsonObject {
  const merged = new Map<string, JsonValue>(Object.entries(first));
  for (const [name, value] of Object.entries(second)) {
    const known = merged.get(name);
    if (isJsonObject(known) && isJsonObject(value)) merged.set(name, mergeCapabilities(known, value));
    else if (known === undefined || (known === false && value === true)) merged.set(name, value);
  }
  return Object.fromEntries(merged);
}
