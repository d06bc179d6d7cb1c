/** Text of one line, broken at its spaces so that no line is longer than `columns`; the first begins with `margin` alone. */
export function wrapped(text: string, columns: number, margin: string, hanging = ''): string {
  const room = Math.max(20, columns - margin.length - hanging.length);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    for (let rest = word; rest !== ''; ) {
      const space = room - (line === '' ? 0 : line.length + 1);
      if (rest.length <= space || (line === '' && rest.length <= room)) {
        line = line === '' ? rest : `${line} ${rest}`;
        rest = '';
      } else if (line !== '') {
        lines.push(line);
        line = '';
      } else {
        lines.push(rest.slice(0, room));
        rest = rest.slice(room);
      }
    }
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  return lines.map((one, at) => `${margin}${at === 0 ? '' : hanging}${one}\n`).join('');
}

/** The text, cut to a width with an ellipsis where it is longer. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
