import type { JsonValue } from '@provability-fabric/kernel';
import { isAlias, isMap, isScalar, isSeq, type Pair, type ParsedNode, type Scalar, type YAMLMap } from 'yaml';
import type { Diagnostics, Place } from '../diagnostics.ts';
import type { Located } from './located.ts';

interface Context {
  readonly found: Diagnostics;
  readonly place: (offset: number) => Place;
  failed: boolean;
}

interface Read {
  readonly value: JsonValue;
  readonly located: Located;
}

const NO_MEMBERS: Located['members'] = new Map();
const NO_ITEMS: Located['items'] = [];

/** A YAML node as JSON, each value with its place. What JSON cannot say is refused. */
export function readNode(node: ParsedNode | null, context: Context): Read {
  const offset = node?.range[0] ?? 0;
  const leaf = { offset, members: NO_MEMBERS, items: NO_ITEMS };
  if (node === null) return { value: null, located: leaf };
  refuseFeatures(node, context, offset);
  if (isMap(node)) return readMap(node as YAMLMap.Parsed, context, offset);
  if (isSeq(node)) {
    const items = (node.items as ParsedNode[]).map((item) => readNode(item, context));
    const located = { ...leaf, items: items.map((item) => item.located) };
    return { value: items.map((item) => item.value), located };
  }
  if (!isScalar(node)) return { value: null, located: leaf };
  const value = readScalar(node, context, offset);
  const isNumber = typeof value === 'number' && node.source !== undefined;
  return { value, located: isNumber ? { ...leaf, source: node.source as string } : leaf };
}

function readMap(node: YAMLMap.Parsed, context: Context, offset: number): Read {
  const value: Record<string, JsonValue> = {};
  const members = new Map<string, { key: number; value: Located }>();
  for (const pair of node.items as Pair<ParsedNode, ParsedNode | null>[]) {
    const at = pair.key.range[0];
    refuseFeatures(pair.key, context, at);
    const key = String((pair.key as Scalar).value);
    if (members.has(key)) {
      refuse(context, 'DUPLICATE_KEY', at, {
        message: `expected each key once, came \`${key}\` again`,
        mend: 'keep one of the two, or give it another name',
      });
    } else if (key === '__proto__') {
      refuse(context, 'WRONG_VALUE', at, {
        message: 'expected another key, came `__proto__`',
        mend: 'rename it',
      });
    } else {
      // A key without a value stands for null; its place is the key's.
      const read = pair.value === null ? nothingAt(at) : readNode(pair.value, context);
      value[key] = read.value;
      members.set(key, { key: at, value: read.located });
    }
  }
  return { value, located: { offset, members, items: NO_ITEMS } };
}

function nothingAt(offset: number): Read {
  return { value: null, located: { offset, members: NO_MEMBERS, items: NO_ITEMS } };
}

function readScalar(node: Scalar, context: Context, offset: number): JsonValue {
  const { value } = node;
  switch (typeof value) {
    case 'string':
      if (!/[\ud800-\udfff]/u.test(value)) return value;
      break;
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    case 'number':
      if (Number.isFinite(value)) return value === 0 ? 0 : value;
      break;
    case 'boolean':
      return value;
    default:
      if (value === null || value === undefined) return null;
  }
  refuse(context, 'WRONG_VALUE', offset, {
    message: 'expected a value that JSON has, came a number without end or half a character',
    mend: 'write a finite number, or text without lone surrogates',
  });
  return null;
}

function refuseFeatures(node: ParsedNode, context: Context, offset: number): void {
  const feature = isAlias(node)
    ? `the alias \`*${node.source}\``
    : node.anchor !== undefined
      ? `the anchor \`&${node.anchor}\``
      : node.tag !== undefined
        ? `the tag \`${node.tag}\``
        : undefined;
  if (feature === undefined) return;
  refuse(context, 'YAML_FEATURE', offset, {
    message: `expected plain YAML, came ${feature}`,
    mend: 'write the value out; quote text that begins with `*`, `&` or `!`',
  });
}

function refuse(
  context: Context,
  code: Parameters<Diagnostics['error']>[0],
  offset: number,
  details: { readonly message: string; readonly mend: string },
): void {
  context.failed = true;
  context.found.error(code, context.place(offset), details);
}
