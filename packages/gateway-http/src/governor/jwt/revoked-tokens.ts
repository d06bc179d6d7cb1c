import { WatchedFile } from './watched-file.ts';

const TOKEN_ID = /^[\x21-\x7e]{1,128}$/;

/** Ids of tokens that were taken back, one a line; `#` begins a remark. */
export function revokedTokens(path: string): () => ReadonlySet<string> {
  const file = new WatchedFile(path, idsIn);
  return () => file.content();
}

/** A line that is no id may be one that was mistyped, and its token still in use. */
function idsIn(text: string): ReadonlySet<string> {
  const ids = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const wrong = ids.findIndex((id) => !TOKEN_ID.test(id));
  if (wrong >= 0) throw new Error('expected the id of one token a line');
  return new Set(ids);
}
