import {
  BOTTOM,
  flowsTo,
  isJsonObject,
  type JsonValue,
  joinLabels,
  type Label,
  label,
} from '@provability-fabric/kernel';
import type { BundleSpec, ExtractSpec, ToolSpec } from './bundle-spec.ts';

// What the bundle means, read off its sources by the rules of docs/reference/bundle.md and not by the code that is tested.

/** An action that an agent asks for. */
export interface Asked {
  readonly kind: 'call' | 'read';
  readonly target: string;
  readonly args: JsonValue;
}

const PUBLIC: Label = label('public', [], 'untrusted');

/** Where an action sends what its arguments say. */
export function sinksOf(spec: BundleSpec, asked: Asked): readonly Label[] {
  const tool = toolOf(spec, asked);
  if (tool === undefined) return [];
  const writes = tool.effect !== 'read';
  const sinks = writes ? storesOf(spec, tool, asked).map(({ accepts }) => accepts) : [];
  if (tool.clearance !== null) sinks.push(tool.clearance);
  return writes && sinks.length === 0 ? [PUBLIC] : sinks;
}

/** What the agent carries once it was told how an action of this label went that answered nothing. */
export function toldLabel({ handles }: BundleSpec, { whole }: AnswerLabels): Label {
  return handles === null || flowsTo(whole, handles.clearance) ? whole : BOTTOM;
}

/** What a value carries once it is taken out of a handle: what is a tenant's stays the tenant's. */
export function extractedLabel({ label: released }: ExtractSpec, held: Label): Label {
  const tenants = held.compartments.filter((name) => name.startsWith('tenant:'));
  return joinLabels(released, label('public', tenants, 'trusted'));
}

/** The labels of an answer: of the whole, and of each member of a record that has one of its own. */
export interface AnswerLabels {
  readonly whole: Label;
  readonly fields: ReadonlyMap<string, Label>;
}

/** `given`: what the handles in the arguments stand for, which a tool may answer with. */
export function answerLabels(spec: BundleSpec, asked: Asked, given: Label): AnswerLabels {
  const tool = toolOf(spec, asked);
  if (tool === undefined) {
    const document = spec.documents.find(({ uri }) => asked.target.startsWith(uri.replace('*', '')));
    return {
      whole: joinLabels(document?.label ?? label('secret', [], 'untrusted'), given),
      fields: new Map(),
    };
  }
  const reads = tool.effect === 'read' || tool.returns === null;
  const stores = reads ? storesOf(spec, tool, asked).map((store) => store.label) : [];
  const held = stores.reduce(joinLabels, given);
  return {
    whole: joinLabels(tool.returns ?? BOTTOM, held),
    fields: new Map(tool.fields.map((field) => [field.name, joinLabels(field.label, held)] as const)),
  };
}

export function toolOf({ tools }: BundleSpec, { kind, target }: Asked): ToolSpec | undefined {
  return kind === 'call' ? tools.find(({ name }) => name === target) : undefined;
}

function storesOf({ stores }: BundleSpec, { parameters }: ToolSpec, { args }: Asked) {
  if (!parameters.some((parameter) => parameter.stores !== null) || !isJsonObject(args)) return [];
  return stores.filter(({ name }) => valuesIn(args.path ?? null).some((path) => isBelow(name, path)));
}

function isBelow(store: string, path: JsonValue): boolean {
  return typeof path === 'string' && path.split('/')[0] === store;
}

/** Every scalar in a value and the name of every member. */
export function valuesIn(value: JsonValue): readonly JsonValue[] {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).flatMap(valuesIn);
  if (isJsonObject(value))
    return Object.entries(value).flatMap(([key, member]) => [key, ...valuesIn(member)]);
  return [value];
}

/** Whether an observer at `level` may see what carries `of`. */
export function isLow(of: Label, level: Label): boolean {
  return flowsTo(of, level);
}
