import { EXTRACT_TOOL, extractToolRule, type HandlesRule, type ToolRule } from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { unknownTool } from './event-classes.ts';
import { compileLabel } from './labels.ts';
import { compilePointer } from './pointers.ts';
import type { BundleDocument } from './shape/bundle-shape.ts';
import { show } from './shape/read-shape.ts';
import { didYouMean } from './suggestion.ts';
import type { Path } from './yaml/located.ts';

type ExtractDocument = NonNullable<BundleDocument['handles']>['extract'][number];

/** What the agent sees, and what may be taken out of the rest; undefined where it sees everything. */
export function compileHandles(compilation: Compilation): HandlesRule | undefined {
  const { document, locations, found } = compilation;
  const { handles } = document;
  if (handles === undefined) return undefined;
  if (handles.extract.length > 0 && Object.hasOwn(document.tools, EXTRACT_TOOL)) {
    found.error('HANDLES_INVALID', locations.key('tools', EXTRACT_TOOL), {
      message: `expected another name than \`${EXTRACT_TOOL}\`, which is the tool that \`handles.extract\` offers`,
      mend: 'give the upstream a prefix, or leave `extract` out',
    });
  }
  return {
    clearance: compileLabel(handles.clearance, ['handles', 'clearance'], compilation),
    roles: handles.roles.map(({ roles, clearance }, index) => ({
      roles: [...new Set(roles)].sort(),
      clearance: compileLabel(clearance, ['handles', 'roles', index, 'clearance'], compilation),
    })),
    extract: handles.extract.map((written, index) =>
      compileExtract(written, ['handles', 'extract', index], compilation),
    ),
  };
}

/** The tools of the bundle, and the fabric's own where there is something to take out. */
export function withExtractTool(
  tools: Readonly<Record<string, ToolRule>>,
  handles: HandlesRule | undefined,
): Readonly<Record<string, ToolRule>> {
  if (handles === undefined || handles.extract.length === 0) return tools;
  return { ...tools, [EXTRACT_TOOL]: extractToolRule(handles) };
}

function compileExtract(
  written: ExtractDocument,
  path: Path,
  compilation: Compilation,
): HandlesRule['extract'][number] {
  const { document, locations, found } = compilation;
  const { tool, field, types, of = [] } = written;
  if (tool === EXTRACT_TOOL) {
    found.error('HANDLES_INVALID', locations.value(...path, 'tool'), {
      message: 'expected a tool whose results hold what is taken out, came the one that takes it out',
      mend: 'name the tool that returned it first',
    });
  } else unknownTool(tool, locations.value(...path, 'tool'), undefined, compilation);
  for (const [index, set] of of.entries()) {
    if (Object.hasOwn(document.constants, set)) continue;
    found.error('UNKNOWN_CONSTANT', locations.value(...path, 'of', index), {
      message: `expected a set that \`constants\` declares, came \`${show(set)}\``,
      mend: didYouMean(set, Object.keys(document.constants), 'declare it under `constants`'),
    });
  }
  if (types.includes('enum') !== of.length > 0) {
    found.error('HANDLES_INVALID', locations.value(...path, 'types'), {
      message: 'expected `of` with the sets of constants exactly where `types` has enum',
      mend: of.length > 0 ? 'add enum to `types`, or leave `of` out' : 'say which sets: `of: [SET]`',
    });
  }
  return {
    tool,
    field:
      field === undefined
        ? null
        : compilePointer(field, 'the name of a field', locations.value(...path, 'field'), compilation),
    types: [...new Set(types)].sort(),
    of: [...new Set(of)].sort(),
    label: compileLabel(written.label, [...path, 'label'], compilation),
  };
}
