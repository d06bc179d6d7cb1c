import { isJsonObject, type JsonValue, readPointer } from '@provability-fabric/kernel';

export type Scalar = Exclude<JsonValue, object> | null;

/** Every scalar at or below a pointer: a demand on a list or an object is a demand on each value in it. */
export function scalarsAt(args: JsonValue, pointer: string): readonly Scalar[] {
  const found: Scalar[] = [];
  for (const value of readPointer(args, pointer)) collectScalars(value, found);
  return found;
}

export function collectScalars(value: JsonValue, into: Scalar[]): void {
  if (Array.isArray(value)) for (const item of value) collectScalars(item, into);
  else if (isJsonObject(value))
    for (const key of Object.keys(value)) collectScalars(value[key] as JsonValue, into);
  else into.push(value as Scalar);
}
