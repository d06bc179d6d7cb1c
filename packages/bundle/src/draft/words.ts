/**
 * The words of an identifier or a text, in lower case and reduced to stems, so that `getInvoices`,
 * `get_invoice` and "Gets the invoice" share theirs. ASCII only: a word in another script is no word of the
 * lexicon.
 */
export function wordsOf(text: string): readonly string[] {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '')
    .map(stem);
}

/** A rough stem; both sides of every comparison go through it, so it need be consistent, not correct. */
function stem(word: string): string {
  let rest = word;
  if (rest.length > 4 && rest.endsWith('ies')) rest = `${rest.slice(0, -3)}y`;
  else if (rest.length > 4 && /(?:ss|x|ch|sh)es$/.test(rest)) rest = rest.slice(0, -2);
  else if (rest.length > 3 && /[^su]s$/.test(rest)) rest = rest.slice(0, -1);
  if (rest.length > 5 && rest.endsWith('ing')) rest = rest.slice(0, -3);
  else if (rest.length > 5 && rest.endsWith('ed')) rest = rest.slice(0, -2);
  // "removing" leaves "remov", and "remove" has to as well; "cancelled" leaves "cancell".
  if (rest.length > 4 && rest.endsWith('ll')) rest = rest.slice(0, -1);
  return rest.length > 3 && rest.endsWith('e') ? rest.slice(0, -1) : rest;
}

/** A set of words that answers for any of their forms. */
export function lexicon(words: string): ReadonlyMap<string, string> {
  return new Map(words.split(' ').map((word) => [stem(word), word]));
}

/** The first of the words that the lexicon has, as the lexicon spells it. */
export function firstIn(words: readonly string[], known: ReadonlyMap<string, string>): string | undefined {
  for (const word of words) {
    const found = known.get(word);
    if (found !== undefined) return found;
  }
  return undefined;
}
