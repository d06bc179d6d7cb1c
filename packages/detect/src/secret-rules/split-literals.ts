/** `"AKIA" + "QWER"`, `'a' . 'b'`, `"a" "b"`, `"a" .. "b"`: where two parts of one text meet, on one line. */
const SEAM = /(["'`])[ \t]{0,8}(?:\+|\.{1,2}|&|\|\|)?[ \t]{0,8}\1/g;

/** A line whose text was written in parts, with the parts put together; undefined where there are none. */
export function joinedLiterals(line: string): string | undefined {
  const joined = line.replace(SEAM, '');
  return joined === line ? undefined : joined;
}
