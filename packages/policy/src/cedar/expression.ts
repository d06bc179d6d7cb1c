import { entityStore } from './entity-store.ts';
import { CedarError } from './errors.ts';
import { EXTENSION_FUNCTIONS } from './extension-calls.ts';
import { EvaluationFailure, failureOf, mistyped, type Outcome } from './failure.ts';
import type { CedarExpression } from './ir.ts';
import { OPERATORS } from './operators.ts';
import { CedarSet, cedarSet } from './set.ts';
import { type Evaluate, Situation } from './situation.ts';
import { CedarRecord, type CedarValue, EMPTY_RECORD, EntityUid, isLong } from './values.ts';
import { matchesWildcard } from './wildcard.ts';

/** Turns an expression into a closure once, so that a request costs calls and no walking of trees. */
export function compileExpression(expression: CedarExpression): Evaluate {
  const { op } = expression;
  switch (op) {
    case 'boolean':
    case 'string':
      return always(expression.value);
    case 'long':
      return always(readLong(expression.value));
    case 'entity':
      return always(new EntityUid(expression.entity.type, expression.entity.id));
    case 'variable':
      return variable(expression.name);
    case '&&':
    case '||':
      return chain(op === '||', expression.arguments.map(compileExpression));
    case 'if':
      return choice(expression.test, expression.whenTrue, expression.whenFalse);
    case '!':
      return not(compileExpression(expression.argument));
    case 'neg':
      return negate(compileExpression(expression.argument));
    case 'isEmpty':
      return isEmpty(compileExpression(expression.argument));
    case '.':
      return attribute(compileExpression(expression.left), expression.attribute);
    case 'has':
      return has(compileExpression(expression.left), expression.path);
    case 'like':
      return like(compileExpression(expression.left), expression.pattern);
    case 'is':
      return is(compileExpression(expression.left), expression.type);
    case 'set':
      return fold(expression.items.map(compileExpression), setOf);
    case 'record': {
      const names = expression.fields.map(({ name }) => name);
      const values = expression.fields.map(({ value }) => compileExpression(value));
      return fold(values, (fields) => recordOf(names, fields));
    }
    case 'call':
      return fold(expression.arguments.map(compileExpression), (operands) =>
        call(expression.function, operands),
      );
    default: {
      const operator = Object.hasOwn(OPERATORS, op) ? OPERATORS[op] : undefined;
      if (!operator) throw new CedarError('CEDAR_IR', `expected a known operator, got \`${op}\``);
      return operator(compileExpression(expression.left), compileExpression(expression.right));
    }
  }
}

function always(value: Outcome): Evaluate {
  return Object.assign(() => value, { constant: value });
}

/**
 * Sets, records and extension values out of literals are built once: `ip("10.0.0.0/8")` is parsed at loading.
 */
function fold(operands: readonly Evaluate[], build: (operands: readonly Evaluate[]) => Evaluate): Evaluate {
  const evaluate = build(operands);
  return operands.every(({ constant }) => constant !== undefined) ? always(evaluate(NOWHERE)) : evaluate;
}

const NOBODY = new EntityUid('', '');
const NOTHING = entityStore([]);
/** For expressions that do not look at it. */
const NOWHERE = new Situation(
  { principal: NOBODY, action: NOBODY, resource: NOBODY, context: EMPTY_RECORD, entities: NOTHING },
  NOTHING,
);

function readLong(digits: string): bigint {
  const value = /^-?[0-9]{1,19}$/.test(digits) ? BigInt(digits) : undefined;
  if (value === undefined || !isLong(value)) {
    throw new CedarError('CEDAR_IR', `expected an integer of 64 bits, got \`${digits}\``);
  }
  return value;
}

function variable(name: string): Evaluate {
  switch (name) {
    case 'principal':
      return (situation) => situation.principal;
    case 'action':
      return (situation) => situation.action;
    case 'resource':
      return (situation) => situation.resource;
    case 'context':
      return (situation) => situation.context;
    default:
      throw new CedarError('CEDAR_IR', `expected a variable, got \`${name}\``);
  }
}

/** `&&` and `||`: the last operand evaluated must be a boolean too. */
function chain(stop: boolean, operands: readonly Evaluate[]): Evaluate {
  const [first, second] = operands;
  if (operands.length === 2 && first && second) {
    return (situation) => {
      const a = first(situation);
      if (a === stop) return stop;
      if (a !== !stop) return mistyped(a, 'bool');
      const b = second(situation);
      return typeof b === 'boolean' ? b : mistyped(b, 'bool');
    };
  }
  return (situation) => {
    for (const operand of operands) {
      const value = operand(situation);
      if (value === stop) return stop;
      if (value !== !stop) return mistyped(value, 'bool');
    }
    return !stop;
  };
}

function choice(test: CedarExpression, whenTrue: CedarExpression, whenFalse: CedarExpression): Evaluate {
  const condition = compileExpression(test);
  const yes = compileExpression(whenTrue);
  const no = compileExpression(whenFalse);
  return (situation) => {
    const value = condition(situation);
    if (value === true) return yes(situation);
    return value === false ? no(situation) : mistyped(value, 'bool');
  };
}

function not(operand: Evaluate): Evaluate {
  return (situation) => {
    const value = operand(situation);
    return typeof value === 'boolean' ? !value : mistyped(value, 'bool');
  };
}

function negate(operand: Evaluate): Evaluate {
  const overflow = new EvaluationFailure('overflow: `-` gives an integer beyond 64 bits');
  return (situation) => {
    const value = operand(situation);
    if (typeof value !== 'bigint') return mistyped(value, 'long');
    return isLong(-value) ? -value : overflow;
  };
}

function isEmpty(operand: Evaluate): Evaluate {
  return (situation) => {
    const value = operand(situation);
    return value instanceof CedarSet ? value.items.length === 0 : mistyped(value, 'set');
  };
}

function attribute(operand: Evaluate, name: string): Evaluate {
  const absent = new EvaluationFailure(`the record has no attribute \`${name}\``);
  return (situation) => {
    const value = operand(situation);
    if (value instanceof CedarRecord) return value.fields.get(name) ?? absent;
    if (!(value instanceof EntityUid)) return mistyped(value, 'record or entity');
    const entity = situation.find(value);
    if (!entity) return new EvaluationFailure(`the entity of type \`${value.type}\` does not exist`);
    return entity.attributes.fields.get(name) ?? lacking(value, name);
  };
}

function lacking(entity: EntityUid, name: string): EvaluationFailure {
  return new EvaluationFailure(`the entity of type \`${entity.type}\` has no attribute \`${name}\``);
}

function has(operand: Evaluate, path: readonly string[]): Evaluate {
  return (situation) => {
    let value: Outcome | undefined = operand(situation);
    for (const name of path) {
      const step: CedarValue | undefined | EvaluationFailure = member(value, name, situation);
      if (step === undefined) return false;
      if (typeof step === 'object' && step.kind === 'failure') return step;
      value = step;
    }
    return true;
  };
}

function member(
  value: Outcome,
  name: string,
  situation: Situation,
): CedarValue | undefined | EvaluationFailure {
  if (value instanceof CedarRecord) return value.fields.get(name);
  if (value instanceof EntityUid) return situation.find(value)?.attributes.fields.get(name);
  return mistyped(value, 'record or entity');
}

function like(operand: Evaluate, pattern: readonly string[]): Evaluate {
  return (situation) => {
    const value = operand(situation);
    return typeof value === 'string' ? matchesWildcard(value, pattern) : mistyped(value, 'string');
  };
}

function is(operand: Evaluate, type: string): Evaluate {
  return (situation) => {
    const value = operand(situation);
    return value instanceof EntityUid ? value.type === type : mistyped(value, 'entity');
  };
}

function setOf(items: readonly Evaluate[]): Evaluate {
  return (situation) => {
    const values: CedarValue[] = [];
    for (const item of items) {
      const value = item(situation);
      const failure = failureOf(value);
      if (failure) return failure;
      values.push(value as CedarValue);
    }
    return cedarSet(values);
  };
}

function recordOf(names: readonly string[], fields: readonly Evaluate[]): Evaluate {
  return (situation) => {
    const values = new Map<string, CedarValue>();
    for (const [index, name] of names.entries()) {
      const value = fields[index]?.(situation) ?? false;
      const failure = failureOf(value);
      if (failure) return failure;
      values.set(name, value as CedarValue);
    }
    return new CedarRecord(values);
  };
}

function call(name: string, operands: readonly Evaluate[]): Evaluate {
  const known = EXTENSION_FUNCTIONS.get(name);
  if (!known) throw new CedarError('CEDAR_IR', `expected a known function, got \`${name}\``);
  const [first, second] = operands;
  if (!first || operands.length !== known.arity) {
    return always(
      new EvaluationFailure(`\`${name}\`: expected ${known.arity} arguments, got ${operands.length}`),
    );
  }
  if (!second) return (situation) => known.call(first(situation), false);
  return (situation) => known.call(first(situation), second(situation));
}
