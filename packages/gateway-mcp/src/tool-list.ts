import {
  field,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  stringifyJson,
} from '@provability-fabric/kernel';
import { OWN_TOOL, ownTool } from './own-tool.ts';
import type { Hiding } from './ports.ts';

export interface ToolListing {
  readonly mayEverCall: (tool: string) => boolean;
  /** undefined where the agent sees all results. */
  readonly hiding: Hiding | undefined;
  /** Whether the list asks for its beginning: there the fabric's own tool stands. */
  readonly fromTheStart: boolean;
}

/**
 * A tools/list response as the client gets it: without the tools that may never be called, and where results are hidden
 * with the fabric's own tool and without output schemas, against which clients would hold handles. undefined where the
 * received bytes can be forwarded. Cursor and all else stay; a tool without a name cannot be called either.
 */
export function listedTools(
  response: JsonObject,
  { mayEverCall, hiding, fromTheStart }: ToolListing,
): { readonly line: string; readonly hidden: number } | undefined {
  const result = field(response, 'result');
  const tools = field(result, 'tools');
  if (!isJsonObject(result) || !Array.isArray(tools)) return undefined;
  const own = hiding?.extraction ?? null;
  const kept = tools.filter((tool: JsonValue) => {
    const name = field(tool, 'name');
    return typeof name === 'string' && mayEverCall(name) && (own === null || name !== OWN_TOOL);
  });
  if (kept.length === tools.length && hiding === undefined) return undefined;
  const described = hiding === undefined ? kept : kept.map(withoutOutputSchema);
  const listed = own !== null && fromTheStart ? [...described, ownTool(own)] : described;
  const line = stringifyJson({ ...response, result: { ...result, tools: listed } });
  return { line: `${line}\n`, hidden: tools.length - kept.length };
}

function withoutOutputSchema(tool: JsonValue): JsonValue {
  if (!isJsonObject(tool)) return tool;
  return Object.fromEntries(Object.entries(tool).filter(([name]) => name !== 'outputSchema'));
}
