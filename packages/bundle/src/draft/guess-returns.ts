import { guessFields } from './guess-fields.ts';
import { OWN, OWNERS_DOING, PREPOSITIONS, SENSITIVE, STRANGERS } from './lexicons.ts';
import type { ToolDescription } from './tool-description.ts';
import { firstIn, wordsOf } from './words.ts';

export interface ReturnsGuess {
  readonly level: 'internal' | 'confidential';
  readonly integrity: 'trusted' | 'untrusted';
  /** Parts that are trusted even where the whole is not, by JSON pointer. */
  readonly fields: readonly string[];
  readonly why: string;
  /** The thing that the name is about, by which its ids are known elsewhere. */
  readonly nouns: readonly string[];
}

/** Whether strangers can write into what the tool returns. What no word tells is taken to be theirs. */
export function guessReturns(tool: ToolDescription, reads: boolean): ReturnsGuess {
  const nouns = aboutOf(tool.name);
  // What acts answers with how it went; only a reading tool is asked for what it is named after.
  const sensitive = reads ? firstIn(nouns, SENSITIVE) : undefined;
  const level = sensitive === undefined ? 'internal' : 'confidential';
  const found = (integrity: ReturnsGuess['integrity'], why: string): ReturnsGuess => ({
    level,
    integrity,
    fields: guessFields(tool),
    nouns,
    why: sensitive === undefined ? why : `${why}; \`${sensitive}\` is not for everybody`,
  });
  const owners = firstIn(nouns, OWNERS_DOING);
  if (owners !== undefined) return found('trusted', `\`${owners}\`: what the owner has set up`);
  const strangers = firstIn(nouns, STRANGERS);
  if (strangers !== undefined) return found('untrusted', `\`${strangers}\`: others write into it`);
  const own = firstIn(nouns, OWN);
  if (own !== undefined) return found('trusted', `\`${own}\`: the account's own facts`);
  const mentioned = firstIn(wordsOf(tool.description), STRANGERS);
  if (mentioned !== undefined) {
    return found('untrusted', `its description mentions \`${mentioned}\`: others write into it`);
  }
  return found('untrusted', 'no word tells whose words it returns: check');
}

/**
 * The words of a name up to a preposition: in `find_contact_by_email` the thing is the contact, in
 * `add_to_cart` the cart.
 */
function aboutOf(name: string): readonly string[] {
  const words = wordsOf(name);
  const things = words.length > 1 ? words.slice(1) : words;
  const start = things.findIndex((word) => !PREPOSITIONS.has(word));
  const rest = things.slice(Math.max(start, 0));
  const end = rest.findIndex((word) => PREPOSITIONS.has(word));
  return rest.slice(0, end < 0 ? undefined : end);
}
