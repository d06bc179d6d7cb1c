// Finding one's way in the text of a JSON string (RFC 8259 §7).

/**
 * The position of the quote that closes a string, from a position inside it that no backslash precedes; or
 * -1.
 */
export function closingQuote(text: string, from: number): number {
  let quote = text.indexOf('"', from);
  while (quote >= 0 && isEscaped(text, quote, from)) quote = text.indexOf('"', quote + 1);
  return quote;
}

/**
 * An odd number of backslashes before it. They end at the previous quote at the latest: all in all one walk.
 */
function isEscaped(text: string, at: number, from: number): boolean {
  let before = at;
  while (before > from && text.charCodeAt(before - 1) === 0x5c) before--;
  return (at - before) % 2 === 1;
}

/** The first control character or impossible escape in text[from, end), or -1. */
export function firstBadCharacter(text: string, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20) return at;
    if (code !== 0x5c) continue;
    const known = /^(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})/.exec(text.slice(at + 1, at + 6));
    if (known === null) return at;
    at += known[0].length;
  }
  return -1;
}
