import { isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import type { Diagnostics } from './diagnostics.ts';
import type { YamlDocument } from './yaml/read-yaml.ts';

/**
 * `{tenant}` is filled in where stores and compartments are read, and nowhere else: elsewhere it would stay
 * as it is.
 */
export function checkPlaceholders({ value, locations }: YamlDocument, found: Diagnostics): void {
  const visit = (part: JsonValue, path: readonly (string | number)[]): void => {
    if (typeof part === 'string' && part.includes('{tenant}') && !mayHold(path)) {
      found.error('TENANT_PLACEHOLDER', locations.value(...path), {
        message:
          'expected `{tenant}` only in paths of stores and in the compartment `tenant:{tenant}`, came it here',
        mend: 'write the name itself',
      });
    } else if (Array.isArray(part)) {
      for (const [index, item] of (part as readonly JsonValue[]).entries()) visit(item, [...path, index]);
    } else if (isJsonObject(part)) {
      for (const [key, inner] of Object.entries(part)) visit(inner, [...path, key]);
    }
  };
  visit(value, []);
}

/** Paths of stores and compartments are judged where they are compiled. */
function mayHold(path: readonly (string | number)[]): boolean {
  const list = path.at(-2);
  return (
    path.at(-1) === 'description' || list === 'compartments' || (path[0] === 'stores' && list === 'paths')
  );
}
