import {
  type EventClass,
  EXTRACT_TOOL,
  type LabelCondition,
  type PrincipalCondition,
  type ToolEffect,
} from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { isCompartment, OWN_TENANT } from './labels.ts';
import type { EventClassDocument } from './shape/bundle-shape.ts';
import { show } from './shape/read-shape.ts';
import { didYouMean } from './suggestion.ts';
import { compileArguments } from './trace/argument-conditions.ts';
import type { Path } from './yaml/located.ts';

const EFFECTS = ['read', 'write', 'egress', 'admin'] as const satisfies readonly ToolEffect[];

export function isEffect(text: string): text is ToolEffect {
  return (EFFECTS as readonly string[]).includes(text);
}

function knowsTool({ document: { tools, handles } }: Compilation, tool: string): boolean {
  if (tool === EXTRACT_TOOL && (handles?.extract.length ?? 0) > 0) return true;
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
  return {
    tools,
    effects,
    label:
      written.label === undefined
        ? null
        : compileLabel(written.label, [...path, 'label'], clause, compilation),
    args:
      written.args === undefined
        ? null
        : compileArguments(written.args, [...path, 'args'], clause, compilation),
    principal: written.principal === undefined ? null : compilePrincipal(written.principal),
  };
}

function compileLabel(
  { at_least, holds, integrity }: NonNullable<EventClassDocument['label']>,
  path: Path,
  clause: string,
  { locations, found }: Compilation,
): LabelCondition {
  for (const [index, name] of (holds ?? []).entries()) {
    if (name === OWN_TENANT || isCompartment(name)) continue;
    found.error('WRONG_VALUE', locations.value(...path, 'holds', index), {
      clause,
      message: `expected a compartment out of A-Z a-z 0-9 . _ : @ / + -, or \`${OWN_TENANT}\`, came \`${show(name)}\``,
      mend: 'rename the compartment',
    });
  }
  return {
    at_least: at_least ?? null,
    holds: holds === undefined ? null : ascending(holds),
    integrity: integrity ?? null,
  };
}

function compilePrincipal({ ids, roles }: NonNullable<EventClassDocument['principal']>): PrincipalCondition {
  return {
    ids: ids === undefined ? null : ascending(ids),
    roles: roles === undefined ? null : ascending(roles),
  };
}

function effectOf({ document: { tools } }: Compilation, tool: string): string | undefined {
  if (tool === EXTRACT_TOOL && !Object.hasOwn(tools, tool)) return 'read';
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

function ascending<T extends string>(items: readonly T[]): readonly T[] {
  return [...new Set(items)].sort();
}
