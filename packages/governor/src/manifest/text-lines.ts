/** A line and what ends it: `\n`, `\r\n`, or nothing in the last line of a file that does not end in one. */
export interface TextLine {
  readonly text: string;
  readonly ending: '\n' | '\r\n' | '';
}

/** Joined again they are the text, byte for byte. An empty text has no lines; a lone `\r` ends none. */
export function linesOf(text: string): readonly TextLine[] {
  const lines: TextLine[] = [];
  let from = 0;
  while (from < text.length) {
    const at = text.indexOf('\n', from);
    if (at < 0) {
      lines.push({ text: text.slice(from), ending: '' });
      break;
    }
    const ending = at > from && text.charAt(at - 1) === '\r' ? '\r\n' : '\n';
    lines.push({ text: text.slice(from, at + 1 - ending.length), ending });
    from = at + 1;
  }
  return lines;
}
