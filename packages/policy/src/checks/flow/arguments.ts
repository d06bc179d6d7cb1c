import { isJsonObject, type JsonValue, readPointer } from '@provability-fabric/kernel';

export type Scalar = Exclude<JsonValue, object> | null;

/**
 * Every scalar at or below a pointer: a demand on a list or an object is a demand on each value in it. The names of
 * members below it are values too: the agent chooses them.
 */
export function scalarsAt(args: JsonValue, pointer: string): readonly Scalar[] {
  const found: Scalar[] = [];
  for (const value of readPointer(args, pointer)) collectScalars(value, found, true);
  return found;
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
