const BEGIN = '<!-- begin: npm run agentdojo -->\n';
const END = '<!-- end: npm run agentdojo -->';

/** The page with these figures between its marks. */
export function inPage(page: string, figures: string): string {
  const [before, , after] = parts(page);
  return `${before}${BEGIN}\n${figures}\n${END}${after}`;
}

/** The figures that a page holds. */
export function figuresIn(page: string): string {
  return parts(page)[1].trim();
}

function parts(page: string): readonly [string, string, string] {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error('expected the marks of the figures in the page');
  return [page.slice(0, begin), page.slice(begin + BEGIN.length, end), page.slice(end + END.length)];
}
