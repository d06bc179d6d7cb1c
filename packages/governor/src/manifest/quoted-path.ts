const LONGEST = 200;

/** A path as it may stand in a message or log line: escaped and short, since whoever wrote the manifest chose it. */
export function quotedPath(path: string): string {
  const shown = path.length > LONGEST ? `${path.slice(0, LONGEST)}…` : path;
  return `\`${JSON.stringify(shown).slice(1, -1)}\``;
}
