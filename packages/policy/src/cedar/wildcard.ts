/**
 * Cedar's `like`. The pattern is the literal text between wildcards. Taking the leftmost place for each part
 * in turn is exact and never goes back, so no text can make it slow, however many wildcards the pattern has.
 */
export function matchesWildcard(text: string, pattern: readonly string[]): boolean {
  const first = pattern[0] ?? '';
  const last = pattern[pattern.length - 1] ?? '';
  if (pattern.length <= 1) return text === first;
  const end = text.length - last.length;
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (let i = 1; i < pattern.length - 1; i++) {
    const part = pattern[i] ?? '';
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
