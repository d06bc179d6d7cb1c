// The heads of a data folder against its log. Whoever put the log back to an earlier state, or had the log's key and made
// another one, has the heads against him as long as he has not the evidence key too.
import { type KeptHead, type LogReading, sessionEndsAt } from '@provability-fabric/evidence';
import { type Crypto, EnvelopeError, openEnvelope } from '@provability-fabric/kernel';
import { type HeadProblem, type HeadStatement, verifyHeads } from '@provability-fabric/statements';
import type { VerifierFailure } from './run-verifier.ts';

export interface CheckedHeads {
  /** How many were held against each other; the newest that fits also against the log. */
  readonly checked: number;
  /** How many are from before the log had its id. */
  readonly earlier: number;
  /** Of the newest one that holds; null for none. */
  readonly newest: { readonly at: string; readonly log_size: number } | null;
  readonly failures: readonly VerifierFailure[];
}

/** `writer`: the log's id; undefined where it has none. */
export async function checkHeads(
  crypto: Crypto,
  log: Pick<LogReading, 'size' | 'freed' | 'heads' | 'entries'>,
  kept: readonly (KeptHead | null)[],
  keys: ReadonlyMap<string, Uint8Array>,
  writer: string | undefined,
): Promise<CheckedHeads> {
  const failures: VerifierFailure[] = [];
  const fail = (code: string, message: string) =>
    failures.push({ code, tenant: null, session: null, seq: null, message });
  const all: HeadStatement[] = [];
  for (const [line, one] of kept.entries()) {
    const problem = one === null ? malformed() : signatureProblem(crypto, one, keys);
    if (problem !== undefined) fail(problem.code, `line ${line + 1} of log/heads: ${problem.message}`);
    else if (one !== null) all.push(one.head);
  }
  // A log whose id was lost goes on under another one; nobody else's head comes after its own.
  const earlier = Math.max(
    0,
    all.findIndex((head) => head.writer === writer),
  );
  const heads = all.slice(earlier);
  const fitting = heads.findLast(({ log_size: size }) => size <= log.size);
  const ends = fitting && (await sessionEndsAt(log, fitting.log_size));
  // Once for what they say of each other, once for what the newest that fits says of the log.
  for (const problem of verifyHeads(crypto, heads, () => undefined))
    fail('HEAD', describe(problem, heads[problem.head]?.at));
  const against = fitting === undefined ? [] : verifyHeads(crypto, [fitting], () => ends);
  for (const problem of against) fail('HEAD', describe(problem, fitting?.at));
  const last = heads.at(-1);
  if (last !== undefined && last.log_size > log.size)
    fail(
      'HEAD',
      `expected the ${last.log_size} entries that the head of ${last.at} counts, came ${log.size}: the log was put back or cut`,
    );
  return {
    checked: heads.length,
    earlier,
    newest:
      fitting === undefined || ends === undefined || against.length > 0
        ? null
        : { at: fitting.at, log_size: fitting.log_size },
    failures,
  };
}

interface Problem {
  readonly code: string;
  readonly message: string;
}

function malformed(): Problem {
  return { code: 'STATEMENT', message: 'expected a signed head' };
}

function signatureProblem(
  crypto: Crypto,
  { envelope }: KeptHead,
  keys: ReadonlyMap<string, Uint8Array>,
): Problem | undefined {
  try {
    openEnvelope(crypto, envelope, keys);
    return undefined;
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    const code = error.code === 'ENVELOPE_UNKNOWN_KEY' ? error.code : 'ENVELOPE_SIGNATURE';
    return { code, message: error.message };
  }
}

function describe(problem: HeadProblem, at = ''): string {
  const head = `the head of ${at}`;
  switch (problem.code) {
    case 'OTHER_WRITER':
      return `${head} is of the writer ${problem.got}, the one before it of ${problem.expected}`;
    case 'WENT_BACK':
      return `${head}: its ${problem.member} went back from ${problem.before} to ${problem.got}`;
    case 'CHANGED_WITHOUT_GROWING':
      return `${head} differs from the one before it, and the log had not grown`;
    case 'SESSIONS_MISSING':
      return `expected the ${problem.expected} sessions that ${head} counts, came ${problem.got}: a whole session is missing`;
    case 'SESSIONS_ADDED':
      return `expected the ${problem.expected} sessions that ${head} counts, came ${problem.got}`;
    case 'TAIL_CHANGED':
      return `expected the sessions to end where ${head} says, came another end: a tail was dropped or exchanged`;
  }
}
