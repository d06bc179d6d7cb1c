import { isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import { isHandle } from './agent.ts';
import { type BundleSpec, CONSTANTS, type ParameterSpec, type SourceSpec } from './bundle-spec.ts';
import { toolOf, valuesIn } from './ground-truth.ts';
import type { Happening, SeenLeaf } from './run.ts';

/**
 * The value of a parameter that came from nowhere it may come from, of an action that was allowed all the same: neither
 * from a source that the parameter takes nor by an endorsement, or held by an untrusted result as well.
 */
export function unoriginatedValue(spec: BundleSpec, happening: Happening): string | undefined {
  const { asked, decision, knew } = happening;
  if (decision.effect !== 'allow') return undefined;
  for (const parameter of toolOf(spec, asked)?.parameters ?? []) {
    if (parameter.name === 'path' || !isJsonObject(asked.args)) continue;
    if (endorsedByClause(spec, happening, parameter)) continue;
    const argument = asked.args[parameter.name];
    const values = argument === undefined ? [] : valuesIn(argument);
    for (const value of values) {
      if (value === null && parameter.optional) continue;
      if (parameter.endorse.some((source) => has(happening, source, value))) continue;
      const from = parameter.from === null || takes(happening, parameter.from, value);
      // A session that has read nothing untrusted speaks for itself, though not for what it cannot see.
      const own = knew.integrity === 'trusted' && !isHandle(value);
      const trusted = !parameter.trusted || own || isVouched(happening, value);
      if (!from || !trusted) return `${parameter.name} = ${JSON.stringify(value)}`;
    }
  }
  return undefined;
}

function endorsedByClause(
  { releases }: BundleSpec,
  { asked, decision }: Happening,
  { pointer }: ParameterSpec,
) {
  return releases.some(
    ({ id, rule, tool, parameter }) =>
      rule === 'endorse' && tool === asked.target && parameter === pointer && decision.releases.includes(id),
  );
}

/** What the agent puts into its own words is taken at its word. */
function takes(happening: Happening, from: readonly SourceSpec[], value: JsonValue): boolean {
  const untrusted = happening.leaves.filter(
    (leaf) =>
      isSame(leaf, value) &&
      leaf.label.integrity === 'untrusted' &&
      !from.some((source) => isOf(source, leaf)),
  );
  if (untrusted.length > 0) return false;
  return from.includes('unknown') || from.some((source) => has(happening, source, value));
}

function isVouched(happening: Happening, value: JsonValue): boolean {
  const held = happening.leaves.filter((leaf) => isSame(leaf, value));
  if (held.some(({ label }) => label.integrity === 'untrusted')) return false;
  const trusted = held.some(({ vouches, label }) => vouches && label.integrity === 'trusted');
  return trusted || has(happening, 'prompt', value) || has(happening, { constant: 'team' }, value);
}

function has({ leaves, prompts }: Happening, source: SourceSpec, value: JsonValue): boolean {
  if (source === 'unknown') return false;
  if (source === 'prompt') return prompts.some((prompt) => ` ${prompt} `.includes(` ${String(value)} `));
  if ('constant' in source)
    return CONSTANTS[source.constant]?.some((constant) => constant === value) ?? false;
  return leaves.some((leaf) => leaf.vouches && leaf.source === source.result && isSame(leaf, value));
}

function isOf(source: SourceSpec, leaf: SeenLeaf): boolean {
  return typeof source === 'object' && 'result' in source && source.result === leaf.source;
}

/** A number and its text are one value. */
function isSame({ value: held }: SeenLeaf, value: JsonValue): boolean {
  return typeof value !== 'object' && String(held) === String(value);
}
