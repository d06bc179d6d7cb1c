// Where the next page begins: after the last row of the page before, by the values that the list is ordered
// by. Nothing is counted or kept on the server, so rows that are added meanwhile neither repeat nor hide any.
// The client may write whatever it likes into a cursor: it moves within what its scope lets it see, no further.
import { createHash } from 'node:crypto';
import { LedgerError } from '../errors.ts';

export type Key = string | number;

/** What each part of a key is. */
export type KeyShape = readonly ('text' | 'count')[];

const LONGEST_TEXT = 256;
/** Base64 of two names of the longest kind, each character escaped. */
const LONGEST_CURSOR = 8_192;

/** `query`: everything but limit and cursor. A cursor of another query would show a page of neither. */
export function writeCursor(query: unknown, key: readonly Key[]): string {
  return Buffer.from(JSON.stringify([markOf(query), ...key])).toString('base64url');
}

export function readCursor(cursor: string, query: unknown, shape: KeyShape): readonly Key[] {
  if (typeof cursor !== 'string' || cursor.length > LONGEST_CURSOR) throw badCursor();
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.toString('base64url') !== cursor) throw badCursor();
  const [mark, ...key] = listIn(bytes.toString());
  if (mark !== markOf(query)) throw badCursor();
  if (key.length !== shape.length || !key.every((part, at) => fits(part, shape[at]))) throw badCursor();
  return key as Key[];
}

function listIn(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function fits(part: unknown, shape: KeyShape[number] | undefined): boolean {
  if (shape === 'count') return Number.isSafeInteger(part) && (part as number) >= 0;
  return typeof part === 'string' && part.length <= LONGEST_TEXT && !/[\0\p{Surrogate}]/u.test(part);
}

function markOf(query: unknown): string {
  return createHash('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, 11);
}

function badCursor(): LedgerError {
  return new LedgerError(
    'BAD_CURSOR',
    'expected a cursor from the page before, of the same query; leave it out to start from the beginning',
  );
}
