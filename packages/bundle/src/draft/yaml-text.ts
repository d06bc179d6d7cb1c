/** A YAML scalar that reads as this very text, on one line. JSON's form is YAML's as well. */
export function quoted(text: string): string {
  const plain = /^[A-Za-z][A-Za-z0-9_-]{0,127}$/.test(text);
  return plain && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text) ? text : asciiJson(text);
}

/**
 * Line and paragraph separators and the like are escaped too: YAML counts some of them as the end of a
 * line.
 */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
