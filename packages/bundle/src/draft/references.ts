import { field, type JsonValue } from '@provability-fabric/kernel';

const MAX_REFERENCES = 16;

/** Follows local references; a chain that goes on for ever, or out of the document, leads to nothing. */
export function followed(root: JsonValue, value: JsonValue): JsonValue {
  let here = value;
  for (let steps = 0; steps < MAX_REFERENCES; steps += 1) {
    const reference = field(here, '$ref');
    if (typeof reference !== 'string') return here;
    if (!reference.startsWith('#/')) return null;
    here = reference
      .slice(2)
      .split('/')
      .reduce<JsonValue>(
        (at, part) => field(at, part.replaceAll('~1', '/').replaceAll('~0', '~')) ?? null,
        root,
      );
  }
  return null;
}
