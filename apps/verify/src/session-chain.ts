import { parseInstant } from '@provability-fabric/policy';
import type { Failures } from './failure.ts';
import type { AnyEntry, ReadEntry } from './verify-entry.ts';

/**
 * Whether a statement follows the one before it in its session: no gap, no other predecessor, no other state,
 * no way back in time. What stands before a broken link is unknown, so nothing after it can be derived from
 * it.
 */
export function verifyLink(previous: ReadEntry | undefined, entry: ReadEntry, failures: Failures): boolean {
  const problems = previous === undefined ? openingProblems(entry) : linkProblems(previous, entry);
  if (parseInstant(entry.statement.issued_at) === undefined) {
    problems.push(`expected a time in \`issued_at\`, came \`${entry.statement.issued_at}\``);
  }
  for (const problem of problems) failures.add('CHAIN', entry.place, problem);
  return problems.length === 0;
}

/** What is wrong with a statement's place in its chain, whatever it says: from 0 on, no gap, no other predecessor. */
export function placeProblems(previous: AnyEntry | undefined, { statement }: AnyEntry): string[] {
  const problems: string[] = [];
  if (previous === undefined) {
    if (statement.seq !== 0) problems.push(`expected the session to begin with seq 0, came ${statement.seq}`);
    if (statement.previous !== null)
      problems.push(`expected nothing before the first statement, came ${statement.previous}`);
    return problems;
  }
  const wanted = previous.statement.seq + 1;
  if (statement.seq !== wanted) problems.push(`expected seq ${wanted}, came ${statement.seq}`);
  if (statement.previous !== previous.digest) {
    problems.push(
      `expected the digest of the statement before, ${previous.digest}, came ${statement.previous}`,
    );
  }
  return problems;
}

function openingProblems(entry: ReadEntry): string[] {
  const problems = placeProblems(undefined, entry);
  if (!isOpening(entry.statement)) problems.push('expected the session to begin with its opening');
  return problems;
}

function linkProblems(previous: ReadEntry, entry: ReadEntry): string[] {
  const { statement } = entry;
  const problems = placeProblems(previous, entry);
  const { after } = previous.statement.state;
  if (statement.state.before !== after) {
    problems.push(
      `expected to start from the state that the statement before left, ${after}, came ${statement.state.before}`,
    );
  }
  // Both are RFC 3339 in UTC and of one width, so their order is that of the texts.
  if (statement.issued_at < previous.statement.issued_at) {
    problems.push(`expected a time from ${previous.statement.issued_at} on, came ${statement.issued_at}`);
  }
  if (isOpening(statement)) problems.push('expected one opening, came a second');
  return problems;
}

function isOpening(statement: ReadEntry['statement']): boolean {
  return statement.type === 'session-record' && statement.kind === 'open';
}
