import {
  field,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  stringifyJson,
} from '@provability-fabric/kernel';

/**
 * A tools/list response without the tools that may never be called; undefined where none had to go and the
 * received bytes can be forwarded. Cursor and all else stay; a tool without a name cannot be called either.
 */
export function withoutForbiddenTools(
  response: JsonObject,
  mayEverCall: (tool: string) => boolean,
): { readonly line: string; readonly hidden: number } | undefined {
  const result = field(response, 'result');
  const tools = field(result, 'tools');
  if (!isJsonObject(result) || !Array.isArray(tools)) return undefined;
  const kept = tools.filter((tool: JsonValue) => {
    const name = field(tool, 'name');
    return typeof name === 'string' && mayEverCall(name);
  });
  if (kept.length === tools.length) return undefined;
  const line = stringifyJson({ ...response, result: { ...result, tools: kept } });
  return { line: `${line}\n`, hidden: tools.length - kept.length };
}
