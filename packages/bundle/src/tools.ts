import { parsePointer } from '@provability-fabric/kernel';
import type { ParameterRule, Source, ToolRule } from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { isEffect, unknownEffect, unknownTool } from './event-classes.ts';
import { compileLabel } from './labels.ts';
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
  return {
    // A wrong effect has been refused: the bundle will not be used.
    effect: isEffect(written.effect) ? written.effect : 'admin',
    once: written.once,
    returns: returns === undefined ? null : compileLabel(returns, [...path, 'returns'], compilation),
    clearance: clearance === undefined ? null : compileLabel(clearance, [...path, 'clearance'], compilation),
    parameters,
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
    const pointer = key.startsWith('/') ? key : `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const place = locations.key(...path, key);
    if (!isPointer(pointer) || pointer === '/') {
      found.error('WRONG_VALUE', place, {
        message: `expected the name of a parameter or a JSON pointer, came \`${show(key)}\``,
        mend: 'write `path`, or `/paths/*` for every element; `~` and `/` in a name are `~0` and `~1`',
      });
    } else if (Object.hasOwn(rules, pointer)) {
      found.error('DUPLICATE_PARAMETER', place, {
        message: `expected each parameter once, came \`${show(key)}\`, which is \`${show(pointer)}\` again`,
        mend: 'keep one of the two',
      });
      continue;
    }
    rules[pointer] = compileParameter(written, [...path, key], compilation);
  }
  return rules;
}

function isPointer(text: string): boolean {
  try {
    parsePointer(text);
    return true;
  } catch {
    return false;
  }
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
    if (from?.some((candidate) => sameSource(candidate, source))) continue;
    found.error('ENDORSE_NOT_IN_FROM', locations.value(...path, 'endorse', index), {
      message: 'expected to endorse a source that `from` accepts, came another',
      mend: 'add it to `from` as well',
    });
  }
  return { from: from ?? null, endorse, stores: written.stores ?? null, optional: written.optional };
}

function compileSource(written: SourceDocument, path: Path, compilation: Compilation): Source {
  const { document, locations, found } = compilation;
  if (written === 'prompt') return { kind: 'prompt' };
  if ('result' in written) {
    unknownTool(written.result, locations.value(...path, 'result'), undefined, compilation);
    return { kind: 'result', tool: written.result };
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
  if (a.kind === 'result') return b.kind === 'result' && a.tool === b.tool;
  return b.kind === 'prompt';
}
