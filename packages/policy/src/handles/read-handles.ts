import type { LabelTemplate } from '../checks/flow/rules.ts';
import type { CompiledBundle } from '../compiled-bundle.ts';
import { listOf, malformed, members, oneOf, orNull, type Reader } from '../structure.ts';
import { extractToolRule } from './extract-tool.ts';
import { EXTRACT_TYPES } from './extract-types.ts';
import { EXTRACT_TOOL, type ExtractRule, type HandlesRule, type RoleClearance } from './rules.ts';

interface NameReaders {
  readonly labelTemplate: Reader<LabelTemplate>;
  readonly toolName: Reader<string>;
  readonly pointer: Reader<string>;
  readonly name: Reader<string>;
  readonly line: Reader<string>;
}

export function handlesReader({
  labelTemplate,
  toolName,
  pointer,
  name,
  line,
}: NameReaders): Reader<HandlesRule> {
  return members<HandlesRule>({
    clearance: labelTemplate,
    roles: listOf(members<RoleClearance>({ roles: listOf(line, 1), clearance: labelTemplate })),
    extract: listOf(
      members<ExtractRule>({
        tool: toolName,
        field: orNull(pointer),
        types: listOf(oneOf(...EXTRACT_TYPES), 1),
        of: listOf(name),
        label: labelTemplate,
      }),
    ),
  });
}

/** Every name that the rules use is declared, and the fabric's own tool is exactly as the compiler writes it. */
export function checkHandles({ handles, tools, constants }: CompiledBundle): void {
  if (handles === undefined) return;
  const { extract } = handles;
  for (const [index, { tool, of, types }] of extract.entries()) {
    const where = `bundle.handles.extract[${index}]`;
    const isDeclared = Object.hasOwn(tools, tool) || Object.hasOwn(tools, '*');
    if (!isDeclared || tool === EXTRACT_TOOL) malformed(`${where}.tool`, 'a tool of the bundle', tool);
    for (const set of of) {
      if (!Object.hasOwn(constants, set)) malformed(`${where}.of`, 'a set of constants of the bundle', set);
    }
    if (types.includes('enum') !== of.length > 0)
      malformed(`${where}.of`, 'sets for enum, and for it alone', of);
  }
  if (extract.length === 0) return;
  const own = Object.hasOwn(tools, EXTRACT_TOOL) ? tools[EXTRACT_TOOL] : undefined;
  if (JSON.stringify(sorted(own)) !== JSON.stringify(sorted(extractToolRule(handles))))
    malformed(`bundle.tools.${EXTRACT_TOOL}`, "the fabric's own tool", EXTRACT_TOOL);
}

/** With members in one order, whatever order they were read in. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, member]) => [key, sorted(member)]);
}
