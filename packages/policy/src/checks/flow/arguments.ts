import { isJsonObject, type JsonValue, parsePointer } from '@provability-fabric/kernel';

export type Scalar = Exclude<JsonValue, object> | null;

export interface Argument {
  readonly values: readonly Scalar[];
  /** What stands on the way is not what the pointer leads through, so what is meant may stand elsewhere. */
  readonly otherShape: boolean;
}

/**
 * Every scalar at or below a pointer: a demand on a list or an object is a demand on each value in it. The names of
 * members below it, or that a `*` stands for, are values too: the agent chooses them.
 */
export function argumentAt(args: JsonValue, pointer: string): Argument {
  const values: Scalar[] = [];
  let otherShape = false;
  const tokens = parsePointer(pointer);
  const walk = (value: JsonValue, depth: number): void => {
    const token = tokens[depth];
    if (token === undefined) collectScalars(value, values, true);
    else if (Array.isArray(value)) {
      const items = value as readonly JsonValue[];
      if (token === '*') for (const item of items) walk(item, depth + 1);
      else if (/^(?:0|[1-9][0-9]{0,15})$/.test(token)) {
        if (Number(token) < items.length) walk(items[Number(token)] as JsonValue, depth + 1);
      } else otherShape = true;
    } else if (isJsonObject(value)) {
      for (const key of token === '*' ? Object.keys(value) : [token]) {
        if (token === '*') values.push(key);
        if (Object.hasOwn(value, key)) walk(value[key] as JsonValue, depth + 1);
      }
    } else if (value !== null) otherShape = true;
  };
  walk(args, 0);
  return { values, otherShape };
}

export function scalarsAt(args: JsonValue, pointer: string): readonly Scalar[] {
  return argumentAt(args, pointer).values;
}

export function collectScalars(value: JsonValue, into: Scalar[], names = false): void {
  if (Array.isArray(value)) for (const item of value) collectScalars(item, into, names);
  else if (isJsonObject(value)) {
    for (const key of Object.keys(value)) {
      if (names) into.push(key);
      collectScalars(value[key] as JsonValue, into, names);
    }
  } else into.push(value as Scalar);
}
