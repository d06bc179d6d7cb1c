import { type Crypto, type Digest, JsonError } from '@provability-fabric/kernel';
import {
  inputRoot,
  parseRecordSession,
  RECORD_PREFIXES,
  type RecordSessionName,
  type RecordStatement,
  recordedId,
  recordId,
  StatementError,
} from '@provability-fabric/statements';
import { shorten } from './difference.ts';
import type { Failures } from './failure.ts';
import type { Standing } from './rederivation.ts';
import { placeProblems } from './session-chain.ts';
import type { ReadEntry } from './verify-entry.ts';

export type RecordEntry = ReadEntry<RecordStatement>;

const NAMES: Readonly<Record<RecordStatement['type'], string>> = {
  'secret-access': 'an access',
  'governed-change': 'a governed change',
};

interface VerifiedRecord {
  readonly entry: RecordEntry;
  readonly standing: Standing;
}

/**
 * The facts of one session, accesses to secrets or governed changes: chained, and each with the record that it was signed
 * with. Nothing follows from them, and there is nothing to derive.
 */
export function verifyRecords(
  crypto: Crypto,
  entries: readonly RecordEntry[],
  failures: Failures,
): readonly VerifiedRecord[] {
  return entries.map((entry, position) => {
    const problems = placeProblems(entries[position - 1], entry);
    const beginning = position === 0 ? beginningProblem(entry) : midwayProblem(entry);
    if (beginning !== undefined) problems.push(beginning);
    for (const problem of problems) failures.add('CHAIN', entry.place, problem);
    return { entry, standing: verifyDetails(crypto, entry, failures) };
  });
}

/**
 * Sessions of facts are numbered, and each begins with where the one before it ended: between those that the file has,
 * nothing was cut off. In any order; each is one session's entries.
 */
export function verifyContinuation(sessions: readonly (readonly RecordEntry[])[], failures: Failures): void {
  const ends = new Map<string, Digest>();
  for (const entries of sessions) {
    const last = entries.at(-1);
    const place = last && parseRecordSession(last.statement.session);
    if (last === undefined || place === undefined) continue;
    ends.set(keyOf(last.statement.tenant, place, place.number), last.digest);
  }
  for (const [first] of sessions) {
    const place = first && parseRecordSession(first.statement.session);
    if (first === undefined || place === undefined || first.statement.seq !== 0) continue;
    const before = ends.get(keyOf(first.statement.tenant, place, place.number - 1));
    if (before === undefined || before === first.statement.continues) continue;
    failures.add(
      'CHAIN',
      first.place,
      `expected to continue the last statement of the session before, ${before}, came ${first.statement.continues}`,
    );
  }
}

function beginningProblem({ statement }: RecordEntry): string | undefined {
  const place = parseRecordSession(statement.session);
  const prefix = RECORD_PREFIXES[statement.type];
  if (place?.prefix !== prefix)
    return `expected a session \`${prefix}<log>:<number>\`, came \`${shorten(statement.session)}\``;
  if (statement.seq !== 0) return undefined;
  if (place.number > 0 && statement.continues === null)
    return `expected session ${place.number} to name the last statement of the one before, came null`;
  if (place.number === 0 && statement.continues !== null)
    return `expected the first session to continue nothing, came ${statement.continues}`;
  return undefined;
}

function midwayProblem({ statement }: RecordEntry): string | undefined {
  if (statement.continues === null) return undefined;
  return `expected only the first statement to continue another session, came ${statement.continues}`;
}

function verifyDetails(
  crypto: Crypto,
  { statement, place, record }: RecordEntry,
  failures: Failures,
): Standing {
  const because = `${NAMES[statement.type]} is a fact: there is nothing to derive`;
  if (record === null)
    return { status: 'signature only', because: `${because}, and its details were erased` };
  const root = inputRoot(crypto, record);
  if (root !== statement.details_root) {
    const message = `expected a record with the root ${statement.details_root}, came ${root}`;
    failures.add('RECORD_ROOT', place, message);
    return { status: 'signature only', because };
  }
  try {
    const id = recordedId(statement, record);
    const expected = recordId(statement);
    if (id !== expected) {
      const message = `expected the record of ${expected}, came that of ${shorten(id)}`;
      failures.add('RECORD_CONTENT', place, message);
    }
  } catch (error) {
    if (!(error instanceof StatementError || error instanceof JsonError)) throw error;
    failures.add('RECORD_CONTENT', place, error.message);
  }
  return { status: 'signature only', because };
}

function keyOf(tenant: string, { prefix, log }: RecordSessionName, number: number): string {
  return JSON.stringify([tenant, prefix, log, number]);
}
