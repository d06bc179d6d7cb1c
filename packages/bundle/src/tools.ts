import type { ParameterRule, Source, ToolRule } from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { isEffect, unknownEffect, unknownTool } from './event-classes.ts';
import { compileLabel } from './labels.ts';
import { compileAmounts } from './limits.ts';
import { compilePointer } from './pointers.ts';
import { compileFields, compilePlace } from './result-fields.ts';
import type { ParameterDocument, SourceDocument, ToolDocument } from './shape/bundle-shape.ts';
import { show } from './shape/read-shape.ts';
import { didYouMean } from './suggestion.ts';
import type { Path } from './yaml/located.ts';

export function compileTools(compilation: Compilation): Readonly<Record<string, ToolRule>> {
  const tools: Record<string, ToolRule> = {};
  for (const [name, written] of Object.entries(compilation.document.tools)) {
    tools[name] = compileTool(name, written, ['tools', name], compilation);
  }
  return tools;
}

function compileTool(name: string, written: ToolDocument, path: Path, compilation: Compilation): ToolRule {
  const { locations, found } = compilation;
  unknownEffect(written.effect, locations.value(...path, 'effect'), undefined, compilation);
  const parameters = compileParameters(written, [...path, 'parameters'], compilation);
  const { returns, clearance } = written;
  if (returns === undefined && !Object.values(parameters).some((parameter) => parameter.stores !== null)) {
    found.error('RETURNS_MISSING', locations.key(...path), {
      message: `expected \`returns\` for the tool \`${show(name)}\`, which names no stores, came none`,
      mend: 'say what its result carries: `returns: { level: …, integrity: … }`; no label is assumed',
    });
  }
  const whole = returns === undefined ? null : compileLabel(returns, [...path, 'returns'], compilation);
  return {
    // A wrong effect has been refused: the bundle will not be used.
    effect: isEffect(written.effect) ? written.effect : 'admin',
    once: written.once,
    returns: whole,
    text: returns?.text ?? 'json',
    fields: compileFields(returns?.fields ?? {}, whole, [...path, 'returns', 'fields'], compilation),
    clearance: clearance === undefined ? null : compileLabel(clearance, [...path, 'clearance'], compilation),
    parameters,
    ...compileAmounts(written, path, compilation),
  };
}

function compileParameters(
  { parameters }: ToolDocument,
  path: Path,
  compilation: Compilation,
): Readonly<Record<string, ParameterRule>> {
  const { locations, found } = compilation;
  const rules: Record<string, ParameterRule> = {};
  for (const [key, written] of Object.entries(parameters)) {
    const pointer = compilePointer(key, 'the name of a parameter', locations.key(...path, key), compilation);
    if (Object.hasOwn(rules, pointer)) {
      found.error('DUPLICATE_PARAMETER', locations.key(...path, key), {
        message: `expected each parameter once, came \`${show(key)}\`, which is \`${show(pointer)}\` again`,
        mend: 'keep one of the two',
      });
      continue;
    }
    rules[pointer] = compileParameter(written, [...path, key], compilation);
  }
  return rules;
}

function compileParameter(written: ParameterDocument, path: Path, compilation: Compilation): ParameterRule {
  const { document, locations, found } = compilation;
  for (const [index, store] of (written.stores ?? []).entries()) {
    if (Object.hasOwn(document.stores, store)) continue;
    found.error('UNKNOWN_STORE', locations.value(...path, 'stores', index), {
      message: `expected a store that \`stores\` declares, came \`${show(store)}\``,
      mend: didYouMean(store, Object.keys(document.stores), 'declare it under `stores`'),
    });
  }
  const from = written.from?.map((source, index) =>
    compileSource(source, [...path, 'from', index], compilation),
  );
  const endorse = written.endorse.map((source, index) =>
    compileSource(source, [...path, 'endorse', index], compilation),
  );
  for (const [index, source] of endorse.entries()) {
    if (from === undefined && written.trusted && source.kind !== 'unknown') continue;
    if (from?.some((candidate) => sameSource(candidate, source)) && source.kind !== 'unknown') continue;
    found.error('ENDORSE_NOT_IN_FROM', locations.value(...path, 'endorse', index), {
      message: 'expected to endorse a source that `from` accepts and that can be told, came another',
      mend: 'add it to `from` as well; what is of unknown source cannot be endorsed by name',
    });
  }
  const { member_of: set, trusted, same_tenant, optional } = written;
  return {
    from: from ?? null,
    endorse,
    trusted,
    same_tenant,
    member_of: set === undefined ? null : compilePlace(set, [...path, 'member_of'], compilation),
    stores: written.stores ?? null,
    optional,
  };
}

function compileSource(written: SourceDocument, path: Path, compilation: Compilation): Source {
  const { document, locations, found } = compilation;
  if (written === 'prompt' || written === 'unknown') return { kind: written };
  if ('result' in written) {
    const { result: tool, field } = written;
    if (field !== undefined)
      return { kind: 'result', ...compilePlace({ result: tool, field }, path, compilation) };
    unknownTool(tool, locations.value(...path, 'result'), undefined, compilation);
    return { kind: 'result', tool, field: null };
  }
  const set = written.constant;
  if (!Object.hasOwn(document.constants, set)) {
    found.error('UNKNOWN_CONSTANT', locations.value(...path, 'constant'), {
      message: `expected a set that \`constants\` declares, came \`${show(set)}\``,
      mend: didYouMean(set, Object.keys(document.constants), 'declare it under `constants`'),
    });
  }
  return { kind: 'constant', set };
}

function sameSource(a: Source, b: Source): boolean {
  if (a.kind === 'constant') return b.kind === 'constant' && a.set === b.set;
  if (a.kind === 'result') return b.kind === 'result' && a.tool === b.tool && a.field === b.field;
  return a.kind === b.kind;
}
