import { field, type JsonValue } from '@provability-fabric/kernel';
import { followed } from './references.ts';

/** A schema and its alternatives, each with its reference followed. */
export function variants(root: JsonValue, schema: JsonValue): readonly JsonValue[] {
  const resolved = followed(root, schema);
  const options = field(resolved, 'anyOf') ?? field(resolved, 'oneOf');
  const all = Array.isArray(options)
    ? options.slice(0, 8).map((option) => followed(root, option))
    : [resolved];
  const real = all.filter((option) => field(option, 'type') !== 'null');
  return real.length === 0 ? [resolved] : real;
}
