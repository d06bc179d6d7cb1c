import { field, type JsonValue } from '@provability-fabric/kernel';
import type {
  CedarAction,
  CedarEntityType,
  CedarPrimitive,
  CedarSchema,
  CedarTypeName,
} from '@provability-fabric/policy/cedar';
import { members } from './lower-expression.ts';

const PRIMITIVES: ReadonlyMap<string, CedarPrimitive> = new Map([
  ['Bool', 'boolean'],
  ['Boolean', 'boolean'],
  ['String', 'string'],
  ['Long', 'long'],
  ['decimal', 'decimal'],
  ['ipaddr', 'ipaddr'],
  ['datetime', 'datetime'],
  ['duration', 'duration'],
]);

/** From Cedar's JSON form of a schema, names resolved, to the IR. */
export function lowerSchema(json: JsonValue): CedarSchema {
  const commonTypes: { name: string; json: JsonValue }[] = [];
  const entityTypes: { name: string; json: JsonValue }[] = [];
  const actions: { namespace: string; id: string; json: JsonValue }[] = [];
  for (const [namespace, definition] of members(json)) {
    for (const [name, type] of members(field(definition, 'commonTypes') ?? {})) {
      commonTypes.push({ name: qualify(namespace, name), json: type });
    }
    for (const [name, type] of members(field(definition, 'entityTypes') ?? {})) {
      entityTypes.push({ name: qualify(namespace, name), json: type });
    }
    for (const [id, action] of members(field(definition, 'actions') ?? {})) {
      actions.push({ namespace, id, json: action });
    }
  }
  const lowerType = typeLowering(new Set(commonTypes.map(({ name }) => name)));
  return {
    commonTypes: commonTypes.map(({ name, json: type }) => ({ name, type: lowerType(type) })),
    entityTypes: entityTypes.map(({ name, json: type }): CedarEntityType => {
      const tags = field(type, 'tags');
      return {
        name,
        attributes: lowerType(field(type, 'shape') ?? EMPTY_RECORD),
        tags: tags === undefined ? null : lowerType(tags),
      };
    }),
    actions: actions.map(({ namespace, id, json: action }) => lowerAction(namespace, id, action, lowerType)),
  };
}

const EMPTY_RECORD: JsonValue = { type: 'Record', attributes: {} };

type LowerType = (json: JsonValue) => CedarTypeName;

function lowerAction(namespace: string, id: string, json: JsonValue, lowerType: LowerType): CedarAction {
  const type = qualify(namespace, 'Action');
  const applies = field(json, 'appliesTo');
  return {
    entity: { type, id },
    parents: list(field(json, 'memberOf')).map((parent) => ({
      type: name(field(parent, 'type') ?? type),
      id: name(field(parent, 'id')),
    })),
    principals: list(field(applies, 'principalTypes')).map(name),
    resources: list(field(applies, 'resourceTypes')).map(name),
    context: lowerType(field(applies, 'context') ?? EMPTY_RECORD),
  };
}

function typeLowering(commonTypes: ReadonlySet<string>): LowerType {
  const lowerType: LowerType = (json) => {
    const type = name(field(json, 'type'));
    switch (type) {
      case 'Set':
        return { kind: 'set', element: lowerType(field(json, 'element') ?? EMPTY_RECORD) };
      case 'Record': {
        const attributes = members(field(json, 'attributes') ?? {});
        return {
          kind: 'record',
          attributes: attributes.map(([attribute, inner]) => ({
            name: attribute,
            required: field(inner, 'required') !== false,
            type: lowerType(inner),
          })),
        };
      }
      case 'Entity':
        return { kind: 'entity', type: name(field(json, 'name')) };
      case 'Extension':
        return primitive(name(field(json, 'name')));
      default:
        // A schema may give a common type the name of an extension type, which it then hides.
        return commonTypes.has(type) ? { kind: 'common', name: type } : primitive(type);
    }
  };
  return lowerType;
}

function primitive(type: string): CedarTypeName {
  const kind = PRIMITIVES.get(type.replace(/^__cedar::/, ''));
  if (!kind) throw new Error(`expected a resolved schema, got the unknown type \`${type}\``);
  return { kind };
}

function qualify(namespace: string, local: string): string {
  return namespace === '' ? local : `${namespace}::${local}`;
}

function list(json: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(json) ? json : [];
}

function name(json: JsonValue | undefined): string {
  if (typeof json !== 'string') throw new Error('expected a name in the schema that cedar-wasm resolved');
  return json;
}
