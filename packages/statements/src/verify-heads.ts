import type { Crypto } from '@provability-fabric/kernel';
import { headsRoot, type SessionEnd } from './heads-root.ts';
import type { HeadStatement } from './ledger-statement.ts';

/** What is wrong with one head. */
export type HeadFinding =
  | { readonly code: 'OTHER_WRITER'; readonly expected: string; readonly got: string }
  /** It says less, or earlier, than the one before it. */
  | {
      readonly code: 'WENT_BACK';
      readonly member: 'count' | 'log_size' | 'at';
      readonly before: string;
      readonly got: string;
    }
  /** Nothing was added since the one before it, and yet they differ. */
  | { readonly code: 'CHANGED_WITHOUT_GROWING' }
  /** Sessions that it counted are not there. */
  | { readonly code: 'SESSIONS_MISSING'; readonly expected: number; readonly got: number }
  /** Sessions are there that it did not count. */
  | { readonly code: 'SESSIONS_ADDED'; readonly expected: number; readonly got: number }
  /** As many sessions as it counted, but one ends elsewhere: its tail was dropped or exchanged. */
  | { readonly code: 'TAIL_CHANGED' };

/** `head` is its place in the list. */
export type HeadProblem = HeadFinding & { readonly head: number };

/**
 * Holds a writer's heads, in the order in which they were signed, against where its sessions end. `endsAt` answers
 * the ends as a log of that many entries has them, or undefined where that is not known: then only the heads
 * themselves are compared. The caller has checked the signatures.
 */
export function verifyHeads(
  crypto: Crypto,
  heads: readonly HeadStatement[],
  endsAt: (logSize: number) => Iterable<SessionEnd> | undefined,
): readonly HeadProblem[] {
  const problems: HeadProblem[] = [];
  for (const [head, statement] of heads.entries()) {
    const before = heads[head - 1];
    if (before !== undefined) {
      for (const problem of compare(before, statement)) problems.push({ head, ...problem });
    }
    const ends = endsAt(statement.log_size);
    const problem = ends && holdAgainst(crypto, statement, [...ends]);
    if (problem !== undefined) problems.push({ head, ...problem });
  }
  return problems;
}

function compare(before: HeadStatement, head: HeadStatement): HeadFinding[] {
  if (head.writer !== before.writer) {
    return [{ code: 'OTHER_WRITER', expected: before.writer, got: head.writer }];
  }
  const found: HeadFinding[] = [];
  for (const member of ['count', 'log_size', 'at'] as const) {
    if (head[member] >= before[member]) continue;
    found.push({ code: 'WENT_BACK', member, before: `${before[member]}`, got: `${head[member]}` });
  }
  const same = head.root === before.root && head.count === before.count;
  if (head.log_size === before.log_size && !same) found.push({ code: 'CHANGED_WITHOUT_GROWING' });
  return found;
}

function holdAgainst(
  crypto: Crypto,
  { count, root }: HeadStatement,
  ends: readonly SessionEnd[],
): HeadFinding | undefined {
  if (ends.length < count) return { code: 'SESSIONS_MISSING', expected: count, got: ends.length };
  if (ends.length > count) return { code: 'SESSIONS_ADDED', expected: count, got: ends.length };
  return headsRoot(crypto, ends) === root ? undefined : { code: 'TAIL_CHANGED' };
}
