/**
 * A pattern whose letters stand for both cases of ASCII. The flag `i` would fold by the tables of the Unicode version that
 * happens to run. What is in brackets or behind a backslash stays as it is written.
 */
export function eitherCase(source: string, flags = ''): RegExp {
  const written = source.replace(/\[(?:\\.|[^\]\\])*\]|\\.|\(\?[:=!<]+|[a-z]/g, (part) => {
    const letter = part.length === 1;
    return letter ? `[${part}${String.fromCharCode(part.charCodeAt(0) - 32)}]` : part;
  });
  return new RegExp(written, flags);
}
