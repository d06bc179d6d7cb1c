import { equalValues } from './equality.ts';
import { EvaluationFailure, failureOf, mistyped, type Outcome } from './failure.ts';
import type { CedarBinary } from './ir.ts';
import { CedarSet } from './set.ts';
import type { Evaluate, Situation } from './situation.ts';
import { type CedarValue, EntityUid, isLong } from './values.ts';

type Operator = (left: Evaluate, right: Evaluate) => Evaluate;

/** Both operands are evaluated before either is used, as Cedar does. */
export const OPERATORS: Readonly<Record<CedarBinary, Operator>> = {
  '==': (left, right) => (situation) => {
    const a = left(situation);
    const b = right(situation);
    if (typeof a !== 'object' && typeof b !== 'object') return a === b;
    return equal(a, b);
  },
  '!=': (left, right) => (situation) => {
    const same = equal(left(situation), right(situation));
    return typeof same === 'boolean' ? !same : same;
  },
  '<': ordering((a, b) => a < b),
  '<=': ordering((a, b) => a <= b),
  '>': ordering((a, b) => a > b),
  '>=': ordering((a, b) => a >= b),
  '+': arithmetic('+', (a, b) => a + b),
  '-': arithmetic('-', (a, b) => a - b),
  '*': arithmetic('*', (a, b) => a * b),
  in: (left, right) => (situation) => within(left(situation), right(situation), situation),
  contains: (left, right) => (situation) => {
    const set = left(situation);
    const item = right(situation);
    if (!(set instanceof CedarSet)) return mistyped(set, 'set');
    return failureOf(item) ?? set.has(item as CedarValue);
  },
  containsAll: onSets((a, b) => a.hasAll(b)),
  containsAny: onSets((a, b) => a.hasAny(b)),
  getTag: (left, right) => (situation) => {
    const entity = left(situation);
    const tag = right(situation);
    if (!(entity instanceof EntityUid)) return mistyped(entity, 'entity');
    if (typeof tag !== 'string') return mistyped(tag, 'string');
    const found = situation.find(entity);
    if (!found) return new EvaluationFailure(`the entity of type \`${entity.type}\` does not exist`);
    return (
      found.tags.get(tag) ?? new EvaluationFailure(`the entity of type \`${entity.type}\` has no such tag`)
    );
  },
  hasTag: (left, right) => (situation) => {
    const entity = left(situation);
    const tag = right(situation);
    if (!(entity instanceof EntityUid)) return mistyped(entity, 'entity');
    if (typeof tag !== 'string') return mistyped(tag, 'string');
    return situation.find(entity)?.tags.fields.has(tag) ?? false;
  },
};

function equal(a: Outcome, b: Outcome): boolean | EvaluationFailure {
  return failureOf(a) ?? failureOf(b) ?? equalValues(a as CedarValue, b as CedarValue);
}

function ordering(compare: (a: bigint, b: bigint) => boolean): Operator {
  return (left, right) => (situation) => {
    const a = left(situation);
    const b = right(situation);
    if (typeof a === 'bigint') return typeof b === 'bigint' ? compare(a, b) : mistyped(b, 'long');
    if (typeof a === 'object' && (a.kind === 'datetime' || a.kind === 'duration')) {
      return typeof b === 'object' && b.kind === a.kind ? compare(a.value, b.value) : mistyped(b, a.kind);
    }
    return mistyped(a, 'long');
  };
}

function arithmetic(symbol: string, apply: (a: bigint, b: bigint) => bigint): Operator {
  const overflow = new EvaluationFailure(`overflow: \`${symbol}\` gives an integer beyond 64 bits`);
  return (left, right) => (situation) => {
    const a = left(situation);
    const b = right(situation);
    if (typeof a !== 'bigint') return mistyped(a, 'long');
    if (typeof b !== 'bigint') return mistyped(b, 'long');
    const result = apply(a, b);
    return isLong(result) ? result : overflow;
  };
}

function onSets(test: (a: CedarSet, b: CedarSet) => boolean): Operator {
  return (left, right) => (situation) => {
    const a = left(situation);
    const b = right(situation);
    if (!(a instanceof CedarSet)) return mistyped(a, 'set');
    return b instanceof CedarSet ? test(a, b) : mistyped(b, 'set');
  };
}

function within(uid: Outcome, target: Outcome, situation: Situation): Outcome {
  if (!(uid instanceof EntityUid)) return mistyped(uid, 'entity');
  if (target instanceof EntityUid) return situation.isIn(uid, target.key);
  if (!(target instanceof CedarSet)) return mistyped(target, 'entity or set of entities');
  let found = false;
  // No early end: an item that is no entity is an error wherever it stands.
  for (const item of target.items) {
    if (!(item instanceof EntityUid)) return mistyped(item, 'entity');
    found ||= situation.isIn(uid, item.key);
  }
  return found;
}
