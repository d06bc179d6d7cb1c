import { parsePointer } from '@provability-fabric/kernel';
import type { ParameterRule, ToolRule } from './rules.ts';

/** By tool and pointer into its results: the bit of each place that a demand of the bundle names. */
export type ResultPlaces = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** One bit each of a 31-bit set. */
export const MAX_PLACES = 30;
/** Labels by field that one tool may have: each value of a result is held against those on its way. */
export const MAX_FIELDS = 64;

export function resultPlaces(tools: Readonly<Record<string, ToolRule>>): ResultPlaces {
  const places = new Map<string, Map<string, number>>();
  for (const { parameters } of Object.values(tools)) {
    for (const rule of Object.values(parameters)) {
      for (const { tool, field } of placesNamedBy(rule)) {
        const ofTool = places.get(tool) ?? new Map<string, number>();
        places.set(tool, ofTool);
        if (!ofTool.has(field)) ofTool.set(field, 1 << ofTool.size);
      }
    }
  }
  return places;
}

function* placesNamedBy(rule: ParameterRule): Generator<{ readonly tool: string; readonly field: string }> {
  for (const source of [...(rule.from ?? []), ...rule.endorse]) {
    if (source.kind === 'result' && source.field !== null) yield { tool: source.tool, field: source.field };
  }
  if (rule.member_of !== null) yield rule.member_of;
}

export function placePatterns(places: ResultPlaces, tool: string) {
  const patterns = [];
  for (const [pointer, place] of places.get(tool) ?? []) {
    patterns.push({ tokens: parsePointer(pointer), label: null, place });
  }
  return patterns;
}
