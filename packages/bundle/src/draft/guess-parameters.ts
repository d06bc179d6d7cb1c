import { field, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import {
  AMOUNTS,
  COMMANDS,
  DESTINATIONS,
  FAINT_DESTINATIONS,
  IDENTIFIERS,
  LINKS,
  PATHS,
  PROSE,
  SECRETS,
  WHEN,
} from './lexicons.ts';
import { followed } from './references.ts';
import { variants } from './schema-variants.ts';
import type { ToolDescription } from './tool-description.ts';
import { firstIn, wordsOf } from './words.ts';

export type ParameterKind =
  | 'destination'
  | 'secret'
  | 'link'
  | 'path'
  | 'identifier'
  | 'amount'
  | 'command'
  | 'choice';

/** A parameter that matters, and why. */
export interface ParameterGuess {
  /** JSON pointer into the arguments. */
  readonly pointer: string;
  readonly kind: ParameterKind;
  readonly optional: boolean;
  readonly words: readonly string[];
  readonly why: string;
}

const MAX_DEPTH = 4;
const MAX_PARAMETERS = 100;

export function guessParameters({ input }: ToolDescription): readonly ParameterGuess[] {
  const found: ParameterGuess[] = [];
  collect(input, input, '', false, 0, found);
  return found;
}

function collect(
  root: JsonObject,
  schema: JsonValue,
  pointer: string,
  optional: boolean,
  depth: number,
  found: ParameterGuess[],
): void {
  const resolved = followed(root, schema);
  const properties = field(resolved, 'properties');
  if (!isJsonObject(properties) || depth >= MAX_DEPTH) return;
  const required = field(resolved, 'required');
  const demanded = new Set(Array.isArray(required) ? required : []);
  for (const [name, described] of Object.entries(properties)) {
    // An empty name has no pointer of its own in a bundle, and a hostile schema may have any number of names.
    if (name === '' || name === '__proto__' || found.length >= MAX_PARAMETERS) continue;
    const here = `${pointer}${pointerTo(name)}`;
    const absent = optional || !demanded.has(name);
    const parts = variants(root, described);
    const guess = parts.every(isClosed) ? undefined : kindOf(name, parts);
    if (guess !== undefined) found.push({ pointer: here, optional: absent, ...guess });
    else {
      for (const part of parts) {
        collect(root, part, here, absent, depth + 1, found);
        const items = field(part, 'items');
        // The elements of a list may be none, so what is in them may be absent.
        if (items !== undefined) collect(root, items, `${here}/*`, true, depth + 1, found);
      }
    }
  }
}

/** Whether the schema leaves nothing to choose that could carry a value of somebody's. */
function isClosed(schema: JsonValue): boolean {
  const type = field(schema, 'type');
  return type === 'boolean' || field(schema, 'enum') !== undefined || field(schema, 'const') !== undefined;
}

function kindOf(
  name: string,
  parts: readonly JsonValue[],
): { readonly kind: ParameterKind; readonly words: readonly string[]; readonly why: string } | undefined {
  const words = wordsOf(name);
  const formats = parts.flatMap((part) => [
    field(part, 'format'),
    field(field(part, 'items') ?? null, 'format'),
  ]);
  const numeric = parts.every((part) => ['number', 'integer'].includes(String(field(part, 'type'))));
  const as = (kind: ParameterKind, word: string) => ({ kind, words, why: `its name says \`${word}\`` });
  const last = words.slice(-1);
  const secret = firstIn(words, SECRETS);
  if (secret !== undefined && !numeric) return as('secret', secret);
  const id = firstIn(last, IDENTIFIERS);
  if (id !== undefined) return as('identifier', id);
  const link = firstIn(words, LINKS);
  if (link !== undefined) return as('link', link);
  if (formats.includes('uri')) return { kind: 'link', words, why: 'its format is a URI' };
  const path = firstIn(last, PATHS);
  if (path !== undefined && !numeric) return as('path', path);
  if (formats.includes('email')) return { kind: 'destination', words, why: 'its format is an address' };
  const amount = firstIn(words, AMOUNTS);
  if (amount !== undefined && numeric) return as('amount', amount);
  const command = firstIn(last, COMMANDS);
  if (command !== undefined) return as('command', command);
  const destination = firstIn(words, DESTINATIONS);
  if (destination === undefined || firstIn(last, PROSE) !== undefined || numeric) return undefined;
  // A flag or count about somebody is not somebody; `phone_number` is, a bare `number` is not.
  if (words.length === 1 && firstIn(words, FAINT_DESTINATIONS) !== undefined) return undefined;
  return as('destination', destination);
}

/** What a committing tool is asked to choose: its texts that are neither prose nor times. */
export function guessChoices(tool: ToolDescription): readonly ParameterGuess[] {
  return texts(tool).flatMap(({ name, optional }) => {
    const words = wordsOf(name);
    if (words.length === 0 || firstIn(words, PROSE) !== undefined) return [];
    return [
      { pointer: pointerTo(name), kind: 'choice', optional, words, why: 'it says what is chosen' } as const,
    ];
  });
}

/** Pointers to the arguments that can hold any words; times are not told apart from words by their schema. */
export function wordyParameters(tool: ToolDescription): readonly string[] {
  return texts(tool).map(({ name }) => pointerTo(name));
}

function texts({ input }: ToolDescription): readonly { readonly name: string; readonly optional: boolean }[] {
  const properties = field(input, 'properties');
  if (!isJsonObject(properties)) return [];
  const required = field(input, 'required');
  return Object.entries(properties)
    .slice(0, MAX_PARAMETERS)
    .filter(([name, described]) => {
      const parts = variants(input, described);
      if (name === '' || name === '__proto__' || parts.every(isClosed)) return false;
      if (firstIn(wordsOf(name), WHEN) !== undefined) return false;
      return parts.some((part) => !['number', 'integer', 'boolean'].includes(String(field(part, 'type'))));
    })
    .map(([name]) => ({ name, optional: !(Array.isArray(required) && required.includes(name)) }));
}

function pointerTo(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
