/**
 * The line (counted from 0) on which `events[index]` of a trace begins. The text is known to be JSON: this finds the place
 * of a mistake that only the parsed value showed.
 */
export function eventLine(text: string, index: number): number {
  let line = 0;
  let depth = 0;
  let key = '';
  let inEvents = false;
  let element = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (character === '\n') line += 1;
    if (' \n\r\t'.includes(character)) continue;
    if (character === ',' && inEvents && depth === 2) element += 1;
    else if (inEvents && depth === 2 && element === index) return line;
    if (character === '"') {
      const end = closingQuote(text, at);
      if (depth === 1) key = text.slice(at + 1, end);
      at = end;
    } else if (character === '{' || character === '[') {
      depth += 1;
      if (depth === 2 && character === '[' && key === 'events') inEvents = true;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth === 1) inEvents = false;
    }
  }
  return 0;
}

function closingQuote(text: string, opening: number): number {
  let at = opening + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}
