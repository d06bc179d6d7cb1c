import type { EventClass, ToolEffect } from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import type { EventClassDocument } from './shape/bundle-shape.ts';
import { show } from './shape/read-shape.ts';
import { didYouMean } from './suggestion.ts';
import type { Path } from './yaml/located.ts';

const EFFECTS = ['read', 'write', 'egress', 'admin'] as const satisfies readonly ToolEffect[];

export function isEffect(text: string): text is ToolEffect {
  return (EFFECTS as readonly string[]).includes(text);
}

function knowsTool({ document: { tools } }: Compilation, tool: string): boolean {
  return (tool !== '*' && Object.hasOwn(tools, tool)) || Object.hasOwn(tools, '*');
}

/** Which events a clause speaks of, in one form: names ascending, each once. */
export function compileEventClass(
  written: EventClassDocument,
  path: Path,
  clause: string,
  compilation: Compilation,
): EventClass {
  const { locations, found } = compilation;
  for (const [index, tool] of (written.tools ?? []).entries()) {
    unknownTool(tool, locations.value(...path, 'tools', index), clause, compilation);
  }
  for (const [index, effect] of (written.effects ?? []).entries()) {
    unknownEffect(effect, locations.value(...path, 'effects', index), clause, compilation);
  }
  const tools = written.tools === undefined ? null : ascending(written.tools);
  const effects = written.effects === undefined ? null : ascending(written.effects.filter(isEffect));
  if (tools !== null && effects !== null && effects.length === written.effects?.length) {
    const had = tools.map((tool) => effectOf(compilation, tool));
    // An effect that is not there belongs to an unknown tool, which has been refused.
    if (!had.some((effect) => effect === undefined || (effects as readonly string[]).includes(effect))) {
      found.error('NEVER_MATCHES', locations.value(...path, 'effects'), {
        clause,
        message: `expected an effect of these tools (${ascending(had as string[]).join(', ')}), came \`${effects.join(', ')}\``,
        mend: 'name effects that these tools have, or leave one of the two out: both must hold',
      });
    }
  }
  return { tools, effects };
}

function effectOf({ document: { tools } }: Compilation, tool: string): string | undefined {
  return (Object.hasOwn(tools, tool) ? tools[tool] : tools['*'])?.effect;
}

export function unknownTool(
  tool: string,
  place: ReturnType<Compilation['locations']['value']>,
  clause: string | undefined,
  compilation: Compilation,
): void {
  if (knowsTool(compilation, tool)) return;
  compilation.found.error('UNKNOWN_TOOL', place, {
    clause,
    message: `expected a tool that \`tools\` declares, came \`${show(tool)}\``,
    mend: didYouMean(tool, Object.keys(compilation.document.tools), 'declare it under `tools`'),
  });
}

export function unknownEffect(
  effect: string,
  place: ReturnType<Compilation['locations']['value']>,
  clause: string | undefined,
  { found }: Compilation,
): void {
  if (isEffect(effect)) return;
  found.error('UNKNOWN_EFFECT', place, {
    clause,
    message: `expected an effect out of ${EFFECTS.join(', ')}, came \`${show(effect)}\``,
    mend: didYouMean(effect, EFFECTS, `write one of ${EFFECTS.join(', ')}`),
  });
}

/** Whether a clause speaks of every event of a tool, `*` included. */
export function covers(on: EventClass, tool: string, effect: ToolEffect): boolean {
  return (
    (on.tools === null || on.tools.includes(tool)) && (on.effects === null || on.effects.includes(effect))
  );
}

function ascending<T extends string>(items: readonly T[]): readonly T[] {
  return [...new Set(items)].sort();
}
