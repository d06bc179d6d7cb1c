import { field, isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import {
  type CedarBinary,
  type CedarEntityName,
  type CedarExpression,
  type CedarVariable,
  EXTENSION_FUNCTIONS,
} from '@provability-fabric/policy/cedar';
import type { ExactIntegers } from './exact-integers.ts';

/** A policy that Cedar accepts and that we refuse. */
export class LoweringError extends Error {
  override readonly name = 'LoweringError';

  constructor(
    message: string,
    readonly mend: string,
  ) {
    super(message);
  }
}

// Evaluation and every later reader recurse over the tree.
const MAX_DEPTH = 100;

const VARIABLES: readonly CedarVariable[] = ['principal', 'action', 'resource', 'context'];
const BINARY: readonly CedarBinary[] = [
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  '+',
  '-',
  '*',
  'in',
  'contains',
  'containsAll',
  'containsAny',
  'getTag',
  'hasTag',
];

/** From Cedar's JSON form (docs.cedarpolicy.com, “JSON policy format”) to the IR. */
export function lowerExpression(
  json: JsonValue | undefined,
  integers: ExactIntegers,
  depth = 0,
): CedarExpression {
  if (depth > MAX_DEPTH) {
    throw new LoweringError(
      `expected expressions nested at most ${MAX_DEPTH} deep, got a deeper one`,
      'split the policy into several',
    );
  }
  const lower = (inner: JsonValue | undefined): CedarExpression =>
    lowerExpression(inner, integers, depth + 1);
  const [op, body] = soleMember(json);
  switch (op) {
    case 'Value':
      return literal(body, integers);
    case 'Var': {
      const name = VARIABLES.find((variable) => variable === body);
      if (!name) throw unknown(op);
      return { op: 'variable', name };
    }
    case '&&':
    case '||':
      return { op, arguments: operands(op, body).map(lower) };
    case '!':
    case 'neg':
    case 'isEmpty':
      return { op, argument: lower(field(body, 'arg')) };
    case '.':
      return { op, left: lower(field(body, 'left')), attribute: text(field(body, 'attr')) };
    case 'has':
      return { op, left: lower(field(body, 'left')), path: list(field(body, 'attr')).map(text) };
    case 'like':
      return { op, left: lower(field(body, 'left')), pattern: pattern(list(field(body, 'pattern'))) };
    case 'is':
      return lowerIs(body, lower);
    case 'if-then-else':
      return {
        op: 'if',
        test: lower(field(body, 'if')),
        whenTrue: lower(field(body, 'then')),
        whenFalse: lower(field(body, 'else')),
      };
    case 'Set':
      return { op: 'set', items: list(body).map(lower) };
    case 'Record':
      return { op: 'record', fields: members(body).map(([name, value]) => ({ name, value: lower(value) })) };
    default: {
      const binary = BINARY.find((known) => known === op);
      if (binary) return { op: binary, left: lower(field(body, 'left')), right: lower(field(body, 'right')) };
      if (!EXTENSION_FUNCTIONS.has(op)) throw unknown(op);
      return { op: 'call', function: op, arguments: list(body).map(lower) };
    }
  }
}

export function lowerEntity(json: JsonValue | undefined): CedarEntityName {
  const name = field(json, '__entity') ?? json;
  return { type: text(field(name, 'type')), id: text(field(name, 'id')) };
}

export function members(json: JsonValue | undefined): readonly (readonly [string, JsonValue])[] {
  if (!isJsonObject(json)) throw unknown('a record');
  return Object.entries(json).sort(([a], [b]) => (a < b ? -1 : 1));
}

function literal(json: JsonValue | undefined, integers: ExactIntegers): CedarExpression {
  if (typeof json === 'boolean') return { op: 'boolean', value: json };
  if (typeof json === 'string') return { op: 'string', value: json };
  if (typeof json !== 'number') return { op: 'entity', entity: lowerEntity(json) };
  const value = integers.restore(json);
  if (value !== undefined) return { op: 'long', value };
  throw new LoweringError(
    'expected integers that can be told exactly, got one that was rounded',
    'write the integer as a sum or product of smaller ones',
  );
}

/** `e is T in x` says `e is T && e in x`. */
function lowerIs(
  body: JsonValue | undefined,
  lower: (json: JsonValue | undefined) => CedarExpression,
): CedarExpression {
  const left = lower(field(body, 'left'));
  const is: CedarExpression = { op: 'is', left, type: text(field(body, 'entity_type')) };
  const parent = field(body, 'in');
  return parent === undefined ? is : { op: '&&', arguments: [is, { op: 'in', left, right: lower(parent) }] };
}

/** A chain of one operator in order, however it is bracketed: a hundred conditions are long, not deep. */
function operands(op: string, body: JsonValue | undefined): readonly JsonValue[] {
  const found: JsonValue[] = [];
  const open: (JsonValue | undefined)[] = [field(body, 'right'), field(body, 'left')];
  while (open.length > 0) {
    const next = open.pop();
    const chain = field(next, op);
    if (chain !== undefined) open.push(field(chain, 'right'), field(chain, 'left'));
    else if (next === undefined) throw unknown(op);
    else found.push(next);
  }
  return found;
}

function pattern(elements: readonly JsonValue[]): readonly string[] {
  const parts = [''];
  for (const element of elements) {
    if (element === 'Wildcard') parts.push('');
    else parts.push((parts.pop() ?? '') + text(field(element, 'Literal')));
  }
  return parts;
}

function soleMember(json: JsonValue | undefined): readonly [string, JsonValue] {
  const [member, ...others] = isJsonObject(json) ? Object.entries(json) : [];
  if (!member || others.length > 0) throw unknown('an expression');
  return member;
}

function text(json: JsonValue | undefined): string {
  if (typeof json !== 'string') throw unknown('a name');
  return json;
}

function list(json: JsonValue | undefined): readonly JsonValue[] {
  if (Array.isArray(json)) return json;
  return json === undefined ? [] : [json];
}

function unknown(what: string): LoweringError {
  return new LoweringError(
    `expected Cedar without partial evaluation or experimental features, got \`${what}\``,
    'use the operators and functions of docs.cedarpolicy.com',
  );
}
