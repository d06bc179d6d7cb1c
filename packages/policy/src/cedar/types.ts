import { CedarError } from './errors.ts';
import type { CedarPrimitive, CedarSchema, CedarTypeName } from './ir.ts';
import { EntityUid } from './values.ts';

/**
 * A type with its common types filled in: shared, not copied, so a schema of types within types stays small.
 */
export type CedarType =
  | { readonly kind: CedarPrimitive }
  | { readonly kind: 'entity'; readonly type: string }
  | { readonly kind: 'set'; readonly element: CedarType }
  | { readonly kind: 'record'; readonly attributes: ReadonlyMap<string, CedarAttributeType> };

export interface CedarAttributeType {
  readonly required: boolean;
  readonly type: CedarType;
}

export interface CedarTypes {
  /** undefined: no such entity type. */
  attributesOf(entityType: string): CedarType | undefined;
  /** undefined: no such entity type, or it has no tags. */
  tagsOf(entityType: string): CedarType | undefined;
  /** undefined: no such action. */
  contextOf(action: EntityUid): CedarType | undefined;
}

/** The types that a schema declares. Throws CedarError if it names one that it does not declare. */
export function cedarTypes(schema: CedarSchema): CedarTypes {
  const resolver = new Resolver(schema);
  const entities = schema.entityTypes.map(({ name, attributes, tags }) => ({
    name,
    attributes: resolver.resolve(attributes),
    tags: tags && resolver.resolve(tags),
  }));
  const attributes = new Map(entities.map((entity) => [entity.name, entity.attributes]));
  const tags = new Map(entities.map((entity) => [entity.name, entity.tags ?? undefined]));
  const contexts = new Map(
    schema.actions.map(({ entity, context }) => [
      new EntityUid(entity.type, entity.id).key,
      resolver.resolve(context),
    ]),
  );
  return {
    attributesOf: (entityType) => attributes.get(entityType),
    tagsOf: (entityType) => tags.get(entityType),
    contextOf: (action) => contexts.get(action.key),
  };
}

class Resolver {
  private readonly names: ReadonlyMap<string, CedarTypeName>;
  private readonly resolved = new Map<string, CedarType | 'open'>();

  constructor(schema: CedarSchema) {
    this.names = new Map(schema.commonTypes.map(({ name, type }) => [name, type]));
  }

  resolve(type: CedarTypeName): CedarType {
    switch (type.kind) {
      case 'common':
        return this.common(type.name);
      case 'set':
        return { kind: 'set', element: this.resolve(type.element) };
      case 'record': {
        const attributes = type.attributes.map(
          ({ name, required, type: inner }) => [name, { required, type: this.resolve(inner) }] as const,
        );
        return { kind: 'record', attributes: new Map(attributes) };
      }
      default:
        return type;
    }
  }

  private common(name: string): CedarType {
    const known = this.resolved.get(name);
    if (known && known !== 'open') return known;
    const definition = this.names.get(name);
    if (!definition || known === 'open') {
      const problem = known ? 'one that contains itself' : 'none of this name';
      throw new CedarError('CEDAR_IR', `expected the schema to declare the type \`${name}\`, got ${problem}`);
    }
    this.resolved.set(name, 'open');
    const type = this.resolve(definition);
    this.resolved.set(name, type);
    return type;
  }
}
