import { type Crypto, type Digest, JsonError } from '@provability-fabric/kernel';
import {
  inputRoot,
  parseSecretAccessDetails,
  parseSecretsSession,
  type SecretAccessStatement,
  StatementError,
} from '@provability-fabric/statements';
import { shorten } from './difference.ts';
import type { Failures } from './failure.ts';
import type { Standing } from './rederivation.ts';
import { placeProblems } from './session-chain.ts';
import type { ReadEntry } from './verify-entry.ts';

export type AccessEntry = ReadEntry<SecretAccessStatement>;

interface VerifiedAccess {
  readonly entry: AccessEntry;
  readonly standing: Standing;
}

/**
 * The accesses to secrets of one session: chained, and each with the record that it was signed with. They are facts:
 * nothing follows from them, and there is nothing to derive.
 */
export function verifyAccesses(
  crypto: Crypto,
  entries: readonly AccessEntry[],
  failures: Failures,
): readonly VerifiedAccess[] {
  return entries.map((entry, position) => {
    const problems = placeProblems(entries[position - 1], entry);
    const beginning = position === 0 ? beginningProblem(entry) : midwayProblem(entry);
    if (beginning !== undefined) problems.push(beginning);
    for (const problem of problems) failures.add('CHAIN', entry.place, problem);
    return { entry, standing: verifyRecord(crypto, entry, failures) };
  });
}

/**
 * Sessions of accesses are numbered, and each begins with where the one before it ended: between those that the file has,
 * nothing was cut off. In any order; each is one session's entries.
 */
export function verifyContinuation(sessions: readonly (readonly AccessEntry[])[], failures: Failures): void {
  const ends = new Map<string, Digest>();
  for (const entries of sessions) {
    const last = entries.at(-1);
    const place = last && parseSecretsSession(last.statement.session);
    if (last === undefined || place === undefined) continue;
    ends.set(keyOf(last.statement.tenant, place.log, place.number), last.digest);
  }
  for (const [first] of sessions) {
    const place = first && parseSecretsSession(first.statement.session);
    if (first === undefined || place === undefined || first.statement.seq !== 0) continue;
    const before = ends.get(keyOf(first.statement.tenant, place.log, place.number - 1));
    if (before === undefined || before === first.statement.continues) continue;
    failures.add(
      'CHAIN',
      first.place,
      `expected to continue the last statement of the session before, ${before}, came ${first.statement.continues}`,
    );
  }
}

function beginningProblem({ statement }: AccessEntry): string | undefined {
  const place = parseSecretsSession(statement.session);
  if (place === undefined)
    return `expected a session \`secrets:<log>:<number>\`, came \`${shorten(statement.session)}\``;
  if (statement.seq !== 0) return undefined;
  if (place.number > 0 && statement.continues === null)
    return `expected session ${place.number} to name the last statement of the one before, came null`;
  if (place.number === 0 && statement.continues !== null)
    return `expected the first session to continue nothing, came ${statement.continues}`;
  return undefined;
}

function midwayProblem({ statement }: AccessEntry): string | undefined {
  if (statement.continues === null) return undefined;
  return `expected only the first statement to continue another session, came ${statement.continues}`;
}

function verifyRecord(
  crypto: Crypto,
  { statement, place, record }: AccessEntry,
  failures: Failures,
): Standing {
  const because = 'an access is a fact: there is nothing to derive';
  if (record === null)
    return { status: 'signature only', because: `${because}, and its details were erased` };
  const root = inputRoot(crypto, record);
  if (root !== statement.details_root) {
    const message = `expected a record with the root ${statement.details_root}, came ${root}`;
    failures.add('RECORD_ROOT', place, message);
    return { status: 'signature only', because };
  }
  try {
    const { access_id: id } = parseSecretAccessDetails(record);
    if (id !== statement.access_id) {
      const message = `expected the record of access ${statement.access_id}, came that of ${shorten(id)}`;
      failures.add('RECORD_CONTENT', place, message);
    }
  } catch (error) {
    if (!(error instanceof StatementError || error instanceof JsonError)) throw error;
    failures.add('RECORD_CONTENT', place, error.message);
  }
  return { status: 'signature only', because };
}

function keyOf(tenant: string, log: string, number: number): string {
  return JSON.stringify([tenant, log, number]);
}
