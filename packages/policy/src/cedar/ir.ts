// The compiled form of a Cedar policy set: plain JSON in which every integer is a decimal string, so that it
// is canonical, digestible and exact. The compiler in ring 2 writes it; nothing here reads Cedar text.

export const CEDAR_IR_FORMAT = 'provability-fabric/cedar/v1';

export interface CedarIr {
  readonly format: typeof CEDAR_IR_FORMAT;
  /** In source order; results name policies in this order. */
  readonly policies: readonly CedarPolicy[];
  /**
   * null: compiled without a schema; actions then have only the parents that the request's entities give
   * them.
   */
  readonly schema: CedarSchema | null;
}

export interface CedarPolicy {
  readonly id: string;
  readonly effect: CedarEffect;
  readonly annotations: readonly CedarAnnotation[];
  readonly principal: CedarScope;
  readonly action: CedarActionScope;
  readonly resource: CedarScope;
  readonly conditions: readonly CedarCondition[];
  /** Where it starts in its source file, both from 1. */
  readonly line: number;
  readonly column: number;
}

export type CedarEffect = 'permit' | 'forbid';

/** A list, not an object: annotation names are free, `__proto__` included. */
export interface CedarAnnotation {
  readonly name: string;
  readonly value: string;
}

export interface CedarEntityName {
  readonly type: string;
  readonly id: string;
}

export type CedarScope =
  | { readonly op: 'any' }
  | { readonly op: 'equals'; readonly entity: CedarEntityName }
  | { readonly op: 'in'; readonly entity: CedarEntityName }
  | { readonly op: 'is'; readonly type: string }
  | { readonly op: 'is in'; readonly type: string; readonly entity: CedarEntityName };

export type CedarActionScope =
  | { readonly op: 'any' }
  | { readonly op: 'equals'; readonly entity: CedarEntityName }
  /** In any of these. */
  | { readonly op: 'in'; readonly entities: readonly CedarEntityName[] };

export interface CedarCondition {
  readonly kind: 'when' | 'unless';
  readonly body: CedarExpression;
}

export type CedarVariable = 'principal' | 'action' | 'resource' | 'context';

export type CedarUnary = '!' | 'neg' | 'isEmpty';

export type CedarBinary =
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '+'
  | '-'
  | '*'
  | 'in'
  | 'contains'
  | 'containsAll'
  | 'containsAny'
  | 'getTag'
  | 'hasTag';

export type CedarExpression =
  | { readonly op: 'boolean'; readonly value: boolean }
  | { readonly op: 'string'; readonly value: string }
  /** Decimal digits of a signed 64-bit integer. */
  | { readonly op: 'long'; readonly value: string }
  | { readonly op: 'entity'; readonly entity: CedarEntityName }
  | { readonly op: 'variable'; readonly name: CedarVariable }
  /** From left to right, ending at the first that is false (`&&`) or true (`||`). */
  | { readonly op: '&&' | '||'; readonly arguments: readonly CedarExpression[] }
  | {
      readonly op: 'if';
      readonly test: CedarExpression;
      readonly whenTrue: CedarExpression;
      readonly whenFalse: CedarExpression;
    }
  | { readonly op: CedarUnary; readonly argument: CedarExpression }
  | { readonly op: CedarBinary; readonly left: CedarExpression; readonly right: CedarExpression }
  | { readonly op: '.'; readonly left: CedarExpression; readonly attribute: string }
  /** `left has a.b.c`: every step of the path is there. */
  | { readonly op: 'has'; readonly left: CedarExpression; readonly path: readonly string[] }
  /** The literal text between the wildcards: `a*b` is `["a","b"]`. */
  | { readonly op: 'like'; readonly left: CedarExpression; readonly pattern: readonly string[] }
  | { readonly op: 'is'; readonly left: CedarExpression; readonly type: string }
  | { readonly op: 'set'; readonly items: readonly CedarExpression[] }
  | { readonly op: 'record'; readonly fields: readonly CedarField[] }
  | { readonly op: 'call'; readonly function: string; readonly arguments: readonly CedarExpression[] };

export interface CedarField {
  readonly name: string;
  readonly value: CedarExpression;
}

/**
 * What the schema declares: the action hierarchy, and the types that direct the reading of entities and
 * contexts.
 */
export interface CedarSchema {
  readonly commonTypes: readonly { readonly name: string; readonly type: CedarTypeName }[];
  readonly entityTypes: readonly CedarEntityType[];
  readonly actions: readonly CedarAction[];
}

export interface CedarEntityType {
  readonly name: string;
  readonly attributes: CedarTypeName;
  /** null: entities of this type have no tags. */
  readonly tags: CedarTypeName | null;
}

export interface CedarAction {
  readonly entity: CedarEntityName;
  /** As declared, without those further up. */
  readonly parents: readonly CedarEntityName[];
  readonly principals: readonly string[];
  readonly resources: readonly string[];
  readonly context: CedarTypeName;
}

export type CedarPrimitive = 'boolean' | 'string' | 'long' | 'decimal' | 'ipaddr' | 'datetime' | 'duration';

/** Common types stay names: written out, a short schema can grow without bound. */
export type CedarTypeName =
  | { readonly kind: CedarPrimitive }
  | { readonly kind: 'entity'; readonly type: string }
  | { readonly kind: 'set'; readonly element: CedarTypeName }
  | { readonly kind: 'record'; readonly attributes: readonly CedarAttributeName[] }
  | { readonly kind: 'common'; readonly name: string };

export interface CedarAttributeName {
  readonly name: string;
  readonly required: boolean;
  readonly type: CedarTypeName;
}
