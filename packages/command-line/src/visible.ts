// Text from traces, certificates and bundles may be an attacker's: what it says must not steer the terminal, hide or
// reorder other text, or forge a line of its own. C0 and C1 controls, soft hyphen, zero-width and direction marks, line
// and paragraph separators, the invisible plane of tags, lone surrogates.
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are exactly what is to be shown harmlessly
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\udb40-\udb43][\udc00-\udfff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function escaped(characters: string): string {
  return Array.from({ length: characters.length }, (_, at) => {
    return `\\u${characters.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }).join('');
}

/** The text on one line, with whatever a terminal would obey or hide written as `\uXXXX`. */
export function visible(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** The same for text of ours that has several lines. */
export function visibleLines(text: string): string {
  return text.replace(UNSEEN, (character) => (character === '\n' ? character : escaped(character)));
}

/** JSON text that is safe on a terminal: inside its strings the escape means the same character. */
export function visibleJson(json: string): string {
  return visibleLines(json);
}

/** The same for the output of programs, which has tabs as well and ends lines as it likes. */
export function harmless(text: string): string {
  return text.replace(UNSEEN, (character) => (/^[\n\t]$/.test(character) ? character : escaped(character)));
}
