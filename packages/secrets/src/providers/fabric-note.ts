import { SecretError } from '../errors.ts';
import type { SecretPlace } from '../names.ts';
import { checkValue, type SecretValue } from '../value.ts';

/** Beside the fields of a value, what we keep of it. No field of a secret may begin with `_`. */
export const NOTE_FIELD = '_fabric';
export const UNKNOWN_AUTHOR = 'unknown';

/** Bound into what is stored, so that one secret's value put in another's place is noticed. */
export function placeText(place: SecretPlace): string {
  return `${place.tenant}/${place.name}`;
}

/**
 * The fields that somebody else may have written: other programs put numbers and switches where we put texts. Texts,
 * booleans and exact whole numbers can be told without loss; throws SECRET_VALUE_INVALID for all else.
 */
export function fieldsOf(stored: Readonly<Record<string, unknown>>): SecretValue {
  const entries = Object.entries(stored).filter(([field]) => field !== NOTE_FIELD);
  return checkValue(Object.fromEntries(entries.map(([field, content]) => [field, asText(content)])));
}

function asText(content: unknown): unknown {
  return typeof content === 'boolean' || Number.isSafeInteger(content) ? String(content) : content;
}

export function movedValue(place: SecretPlace): SecretError {
  return new SecretError(
    'PROVIDER_INCONSISTENT',
    `expected the value of \`${placeText(place)}\`, got one that was stored for another place or is malformed; if it was ` +
      `copied there on purpose, write it again without the field \`${NOTE_FIELD}\``,
  );
}
