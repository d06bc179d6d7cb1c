/**
 * Text from the file as a terminal may see it: controls (escape sequences, line breaks, the C1 set) and
 * format characters (which turn text around or hide it) are written as escapes. Whoever made the file would
 * otherwise write our report.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** JSON as a terminal may see it: the same characters within its strings, as JSON escapes. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(UNSAFE_IN_JSON, (character) =>
    character === '\n'
      ? character
      : [...Array(character.length).keys()].map((at) => jsonEscape(character, at)).join(''),
  );
}

const UNSAFE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\\]/gu;
const UNSAFE_IN_JSON = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

function escaped(character: string): string {
  if (character === '\\') return '\\\\';
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

function jsonEscape(text: string, at: number): string {
  return `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
}

/** Shortened to a width, the cut shown. */
export function fit(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
