import { CedarError } from './errors.ts';
import type { CedarActionScope, CedarEntityName, CedarScope } from './ir.ts';
import type { Axis, Situation } from './situation.ts';
import { EntityUid } from './values.ts';

/** One line of a policy's scope, ready to be matched and indexed. */
export interface ScopeTest {
  readonly axis: Axis;
  matches(situation: Situation): boolean;
  /**
   * Where to file the policy: a request finds everything that can match it under what it is, is in, and its
   * type.
   */
  readonly anchors: readonly Anchor[];
  /** Found under an anchor is matched; otherwise that is only necessary. */
  readonly anchored: boolean;
}

export interface Anchor {
  readonly relation: 'equals' | 'in' | 'is';
  /** Entity key, or for `is` a type. */
  readonly key: string;
}

/** undefined: any. */
export function scopeTest(axis: Axis, scope: CedarScope | CedarActionScope): ScopeTest | undefined {
  const isIn = (situation: Situation, key: string): boolean =>
    situation[axis].key === key || situation.ancestorsOf(axis).has(key);
  switch (scope.op) {
    case 'any':
      return undefined;
    case 'equals': {
      const key = keyOf(scope.entity);
      return {
        axis,
        matches: (situation) => situation[axis].key === key,
        anchors: [{ relation: 'equals', key }],
        anchored: true,
      };
    }
    case 'in': {
      const keys = ('entities' in scope ? scope.entities : [scope.entity]).map(keyOf);
      return {
        axis,
        matches: (situation) => keys.some((key) => isIn(situation, key)),
        anchors: keys.map((key) => ({ relation: 'in', key })),
        anchored: true,
      };
    }
    case 'is': {
      const { type } = scope;
      return {
        axis,
        matches: (situation) => situation[axis].type === type,
        anchors: [{ relation: 'is', key: type }],
        anchored: true,
      };
    }
    case 'is in': {
      const { type } = scope;
      const key = keyOf(scope.entity);
      return {
        axis,
        matches: (situation) => situation[axis].type === type && isIn(situation, key),
        anchors: [{ relation: 'in', key }],
        anchored: false,
      };
    }
    default:
      throw new CedarError('CEDAR_IR', `expected a known scope, got \`${JSON.stringify(scope)}\``);
  }
}

function keyOf({ type, id }: CedarEntityName): string {
  return new EntityUid(type, id).key;
}
