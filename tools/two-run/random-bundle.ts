import { type JsonObject, type Label, label } from '@provability-fabric/kernel';
import type {
  BundleSpec,
  DocumentSpec,
  ExtractSpec,
  HandlesSpec,
  ParameterSpec,
  ReleaseSpec,
  SourceSpec,
  StoreSpec,
  ToolSpec,
} from './bundle-spec.ts';
import type { Chance } from './chance.ts';

const LEVELS = ['public', 'internal', 'confidential', 'secret'] as const;
const TYPES = ['amount', 'date'] as const satisfies readonly ExtractSpec['types'][number][];
const COMPARTMENTS = ['pii', 'tenant:acme'] as const;

export function randomLabel(chance: Chance, trusted = 0.4): Label {
  const compartments = COMPARTMENTS.filter(() => chance.is(0.25));
  return label(chance.pick(LEVELS), compartments, chance.is(trusted) ? 'trusted' : 'untrusted');
}

/** A label that flows to `above`. */
function labelBelow(chance: Chance, above: Label): Label {
  const level = LEVELS[chance.below(LEVELS.indexOf(above.level) + 1)] ?? 'public';
  const compartments = above.compartments.filter(() => chance.is(0.4));
  return label(level, compartments, chance.is(0.5) ? 'trusted' : above.integrity);
}

export function randomBundle(chance: Chance): BundleSpec {
  const stores = ['s0', 's1', 's2'].slice(0, chance.below(4)).map((name) => randomStore(chance, name));
  const readers = ['r0', 'r1', 'r2']
    .slice(0, 1 + chance.below(3))
    .map((name) => reader(chance, name, stores));
  const senders = ['w0', 'w1', 'w2'].slice(0, 1 + chance.below(3)).map((name) =>
    sender(
      chance,
      name,
      stores,
      readers.map((tool) => tool.name),
    ),
  );
  const tools = [...readers, ...senders];
  const documents = chance.is(0.5) ? [randomDocument(chance)] : [];
  const releases = senders.flatMap((tool) => releasesOf(chance, tool));
  const restrictions = chance.is(0.6) ? [randomRestriction(chance, tools)] : [];
  const forbids = chance.is(0.5) ? [randomForbid(chance, tools)] : [];
  const handles = chance.is(0.45) ? randomHandles(chance, readers) : null;
  return { tools, stores, documents, releases, restrictions, forbids, handles };
}

function randomStore(chance: Chance, name: string): StoreSpec {
  const own = randomLabel(chance);
  return { name, label: own, accepts: chance.is(0.6) ? own : labelBelowKeeping(chance, own) };
}

/** Lower in level and compartments; a store must not promise to hold trusted data only and be read as untrusted alone. */
function labelBelowKeeping(chance: Chance, above: Label): Label {
  return { ...labelBelow(chance, above), integrity: above.integrity };
}

function randomDocument(chance: Chance): DocumentSpec {
  return { uri: 'doc://*', label: randomLabel(chance) };
}

function reader(chance: Chance, name: string, stores: readonly StoreSpec[]): ToolSpec {
  const inStores = stores.length > 0 && chance.is(0.4);
  const returns = inStores && chance.is(0.6) ? null : randomLabel(chance);
  const fields =
    returns !== null && chance.is(0.7)
      ? ['f0', 'f1'].slice(0, 1 + chance.below(2)).map((field) => ({
          name: field,
          label: labelBelow(chance, returns),
        }))
      : [];
  return {
    name,
    effect: 'read',
    once: false,
    returns,
    fields,
    clearance: chance.is(0.2) ? randomLabel(chance, 0.2) : null,
    parameters: inStores ? [pathParameter(stores)] : [],
  };
}

function sender(
  chance: Chance,
  name: string,
  stores: readonly StoreSpec[],
  readers: readonly string[],
): ToolSpec {
  const plain = chance.is(0.4);
  const inStores = !plain && stores.length > 0 && chance.is(0.4);
  const demanding = !plain && chance.is(0.75) ? [toParameter(chance, readers)] : [];
  return {
    name,
    effect: chance.pick(['egress', 'egress', 'write', 'admin'] as const),
    once: chance.is(0.2),
    returns: chance.is(0.7) ? label('public', [], 'trusted') : randomLabel(chance),
    fields: [],
    // Without one and without stores a sender may hold what is public.
    clearance: chance.is(0.7) ? randomLabel(chance, 0.2) : null,
    parameters: [...(inStores ? [pathParameter(stores)] : []), ...demanding],
  };
}

const PLAIN = { stores: null, from: null, endorse: [], trusted: false, optional: false } as const;

function pathParameter(stores: readonly StoreSpec[]): ParameterSpec {
  return { ...PLAIN, name: 'path', pointer: 'path', stores: stores.map(({ name }) => name) };
}

function toParameter(chance: Chance, readers: readonly string[]): ParameterSpec {
  const sources: readonly SourceSpec[] = ['prompt', { constant: 'team' }, { result: chance.pick(readers) }];
  const some = sources.filter(() => chance.is(0.6));
  const from = chance.is(0.6) && some.length > 0 ? [...some, ...unknown(chance)] : null;
  const trusted = from === null || chance.is(0.4);
  const able = from ?? sources;
  const endorse = chance.is(0.3) ? [chance.pick(able.filter((source) => source !== 'unknown'))] : [];
  const pointer = chance.is(0.3) ? '/to/*' : 'to';
  return { ...PLAIN, name: 'to', pointer, from, trusted, endorse, optional: chance.is(0.3) };
}

function unknown(chance: Chance): readonly SourceSpec[] {
  return chance.is(0.3) ? ['unknown'] : [];
}

function releasesOf(chance: Chance, tool: ToolSpec): readonly ReleaseSpec[] {
  const releases: ReleaseSpec[] = [];
  if (chance.is(0.7)) {
    const sink = tool.clearance ?? label('public', [], 'untrusted');
    const from = chance.is(0.5) ? randomLabel(chance, 0.1) : label('secret', COMPARTMENTS, 'untrusted');
    const to = chance.is(0.2) ? strictlyBelow(chance, from) : intoSink(from, sink);
    const parameter = chance.is(0.8) ? 'day' : null;
    const type = parameter === null ? null : chance.pick(['date', 'amount', 'id', null] as const);
    if (to !== undefined)
      releases.push({ id: `d-${tool.name}`, rule: 'declassify', tool: tool.name, parameter, type, from, to });
  }
  const to = tool.parameters.find(({ name }) => name === 'to');
  if (to !== undefined && chance.is(0.3)) {
    const from = { ...randomLabel(chance), integrity: 'untrusted' } as const;
    const type = chance.pick(['id', null] as const);
    const endorsed = { ...from, integrity: 'trusted' } as const;
    const base = {
      id: `e-${tool.name}`,
      rule: 'endorse',
      tool: tool.name,
      parameter: to.pointer,
      type,
    } as const;
    releases.push({ ...base, from, to: endorsed });
  }
  return releases;
}

/** Lower in level or without a compartment, a tenant's kept; undefined where there is no such label. */
function strictlyBelow(chance: Chance, from: Label): Label | undefined {
  const level = LEVELS[chance.below(LEVELS.indexOf(from.level) + 1)] ?? 'public';
  const compartments = from.compartments.filter((name) => name.startsWith('tenant:') || chance.is(0.5));
  const same = level === from.level && compartments.length === from.compartments.length;
  return same ? undefined : label(level, compartments, from.integrity);
}

/** What is left where all goes that the sink does not take; a tenant's compartment never does. */
function intoSink(from: Label, sink: Label): Label | undefined {
  const level = LEVELS[Math.min(LEVELS.indexOf(from.level), LEVELS.indexOf(sink.level))] ?? 'public';
  const compartments = from.compartments.filter(
    (name) => name.startsWith('tenant:') || sink.compartments.includes(name),
  );
  const same = level === from.level && compartments.length === from.compartments.length;
  return same ? undefined : label(level, compartments, from.integrity);
}

function randomHandles(chance: Chance, readers: readonly ToolSpec[]): HandlesSpec {
  const level = chance.pick(['public', 'internal'] as const);
  const clearance = { ...randomLabel(chance, 0.1), level };
  const extract = readers
    .filter(() => chance.is(0.7))
    .map(({ name, fields }) => ({
      tool: name,
      field: fields.length > 0 && chance.is(0.9) ? chance.pick(fields).name : null,
      types: ['id', ...TYPES.filter(() => chance.is(0.5))] as const,
      // Now and then above the agent: then it gets another handle.
      label: chance.is(0.8) ? labelBelow(chance, clearance) : randomLabel(chance, 0.3),
    }));
  return { clearance, extract };
}

function randomRestriction(chance: Chance, tools: readonly ToolSpec[]): JsonObject {
  const one = () => ({ tools: [chance.pick(tools).name] });
  const risen = { label: { at_least: chance.pick(['internal', 'confidential'] as const) } };
  const worded = { args: { text: { matches: chance.pick(['*a*', '*1*', 'yes*']) } } };
  const base = { id: 'history', kind: 'trace' } as const;
  switch (chance.below(6)) {
    case 0:
      return { ...base, after: one(), never: { ...one(), ...worded } };
    case 1:
      return { ...base, at_most: 1 + chance.below(2), of: one() };
    case 2:
      return { ...base, only: one(), after: one() };
    case 3:
      return { ...base, after: { ...one(), ...risen }, never: one(), until: one() };
    case 4:
      // biome-ignore lint/suspicious/noThenProperty: the bundle's word for what is owed; never awaited
      return { ...base, after: one(), then: one(), within: '3s' };
    default:
      return { id: 'few', kind: 'limit', on: { ...one(), ...risen }, max: 1 + chance.below(2), window: '5s' };
  }
}

function randomForbid(chance: Chance, tools: readonly ToolSpec[]): string {
  const { name } = chance.pick(tools);
  return chance.pick([
    `resource == Tool::"${name}" && context.label.level >= 2`,
    `!context.label.trusted && resource == Tool::"${name}"`,
    `context.label.compartments.contains("pii") && context.args has text`,
    `context.args has text && context.args.text like "*e*"`,
    `resource == Tool::"${name}" && context.now > datetime("2026-01-01T00:00:06Z")`,
  ]);
}
