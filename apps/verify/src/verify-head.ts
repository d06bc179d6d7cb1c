import {
  type Checkpoint,
  type Crypto,
  EnvelopeError,
  fromBase64,
  JsonError,
  openEnvelope,
} from '@provability-fabric/kernel';
import {
  decodeLedgerStatement,
  type EvidenceHead,
  type HeadFinding,
  type HeadStatement,
  type SessionEnd,
  StatementError,
  verifyHeadPath,
  verifyHeads,
} from '@provability-fabric/statements';
import type { Failures } from './failure.ts';
import type { AnyEntry } from './verify-entry.ts';

/** What a signed head bears out. */
export interface VerifiedHead {
  readonly at: string;
  /** How many entries of the log it is over. */
  readonly logSize: number;
  /** How many sessions of the file end where it says. */
  readonly sessions: number;
  /** Whether the file has all that the head is over, so that no session is missing either. */
  readonly whole: boolean;
  /** Entries of the file that it is not over. */
  readonly newer: number;
}

/**
 * The head in the file: each session ends where it says, so that none was cut off; and where the file has all the
 * entries that it is over, there are no other sessions. Against everyone but the holder of the evidence key.
 */
export function verifyHead(
  crypto: Crypto,
  file: EvidenceHead,
  entries: readonly AnyEntry[],
  checkpoint: Checkpoint | undefined,
  keys: ReadonlyMap<string, Uint8Array>,
  failures: Failures,
): VerifiedHead | null {
  const before = failures.all.length;
  const head = openHead(crypto, file, keys, failures);
  if (head === undefined) return null;
  if (checkpoint !== undefined && checkpoint.size < head.log_size)
    failures.add(
      'HEAD',
      null,
      `expected the ${head.log_size} entries that the log had at ${head.at}, came a checkpoint over ${checkpoint.size}`,
    );
  const under = entries.filter(({ place }) => place.entry < head.log_size);
  const ends = endsOf(under);
  verifyPaths(crypto, head, ends, file, failures);
  const whole = new Set(under.map(({ place }) => place.entry)).size === head.log_size;
  const found = whole ? verifyHeads(crypto, [head], () => ends.map(({ end }) => end)) : [];
  for (const problem of found) failures.add('HEAD', null, describe(problem));
  if (failures.all.length > before) return null;
  return {
    at: head.at,
    logSize: head.log_size,
    sessions: ends.length,
    whole,
    newer: entries.length - under.length,
  };
}

function openHead(
  crypto: Crypto,
  { envelope }: EvidenceHead,
  keys: ReadonlyMap<string, Uint8Array>,
  failures: Failures,
): HeadStatement | undefined {
  try {
    openEnvelope(crypto, envelope, keys);
    const statement = decodeLedgerStatement(envelope.payloadType, fromBase64(envelope.payload));
    if (statement.type === 'head') return statement;
    failures.add('STATEMENT', null, `the head: expected a head, came a \`${statement.type}\``);
  } catch (error) {
    if (error instanceof EnvelopeError) {
      const code = error.code === 'ENVELOPE_UNKNOWN_KEY' ? error.code : 'ENVELOPE_SIGNATURE';
      failures.add(code, null, `the head: ${error.message}`);
    } else if (error instanceof StatementError || error instanceof JsonError)
      failures.add('STATEMENT', null, `the head: ${error.message}`);
    else throw error;
  }
  return undefined;
}

interface FoundEnd {
  readonly end: SessionEnd;
  /** Of the last statement that the file has. */
  readonly entry: AnyEntry;
}

/** Where the file has the sessions end, in the order of their first entries. */
function endsOf(entries: readonly AnyEntry[]): readonly FoundEnd[] {
  const ends = new Map<string, FoundEnd>();
  for (const entry of entries) {
    const { tenant, session, seq } = entry.statement;
    ends.set(JSON.stringify([tenant, session]), {
      end: { tenant, session, seq, digest: entry.digest },
      entry,
    });
  }
  return [...ends.values()];
}

function verifyPaths(
  crypto: Crypto,
  head: HeadStatement,
  ends: readonly FoundEnd[],
  { paths }: EvidenceHead,
  failures: Failures,
): void {
  if (paths.length !== ends.length) {
    const message = `expected a path to the head for each of ${ends.length} sessions, came ${paths.length}`;
    failures.add('HEAD', null, message);
  }
  for (const [position, { end, entry }] of ends.entries()) {
    const path = paths[position];
    if (path === undefined) return;
    const check = verifyHeadPath(crypto, head.root, end, path);
    if (check.ok) continue;
    const message =
      `expected the session to end where the head of ${head.at} says, came an end that it does not say ` +
      `(${check.reason}): a statement was left off at its end, or the head is of another log`;
    failures.add('HEAD', entry.place, message);
  }
}

function describe(problem: HeadFinding): string {
  switch (problem.code) {
    case 'SESSIONS_MISSING':
      return `expected the ${problem.expected} sessions that the head counts, came ${problem.got}: a whole session is missing`;
    case 'SESSIONS_ADDED':
      return `expected the ${problem.expected} sessions that the head counts, came ${problem.got}`;
    default:
      return 'expected the sessions to end where the head says, came other ends';
  }
}
