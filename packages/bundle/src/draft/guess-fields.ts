import { field, isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import { IDENTIFIERS } from './lexicons.ts';
import { followed } from './references.ts';
import { variants } from './schema-variants.ts';
import type { ToolDescription } from './tool-description.ts';
import { firstIn, wordsOf } from './words.ts';

const MAX_DEPTH = 5;
const MAX_FIELDS = 50;

/**
 * Pointers to the ids in a result, where the server says what it returns. Ids are given out by the service,
 * whoever wrote the text beside them; that is all that can be guessed of a field's integrity.
 */
export function guessFields({ output }: ToolDescription): readonly string[] {
  const found: string[] = [];
  if (output !== null) collect(output, output, '', 0, found);
  return found;
}

function collect(root: JsonValue, schema: JsonValue, pointer: string, depth: number, found: string[]): void {
  if (depth > MAX_DEPTH) return;
  for (const part of variants(root, followed(root, schema))) {
    const items = field(part, 'items');
    if (items !== undefined) collect(root, items, `${pointer}/*`, depth + 1, found);
    const properties = field(part, 'properties');
    if (!isJsonObject(properties)) continue;
    for (const [name, described] of Object.entries(properties)) {
      // `*` would be a pattern of its own, and a pointer must be able to hold the name.
      if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/.test(name) || name === '__proto__' || found.length >= MAX_FIELDS)
        continue;
      const here = `${pointer}/${name}`;
      if (isId(root, name, described)) {
        if (!found.includes(here)) found.push(here);
      } else collect(root, described, here, depth + 1, found);
    }
  }
}

function isId(root: JsonValue, name: string, schema: JsonValue): boolean {
  const scalar = variants(root, schema).every((part) =>
    ['string', 'integer'].includes(String(field(part, 'type'))),
  );
  return scalar && firstIn(wordsOf(name).slice(-1), IDENTIFIERS) !== undefined;
}
