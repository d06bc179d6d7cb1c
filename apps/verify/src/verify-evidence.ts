import type { Checkpoint, Crypto } from '@provability-fabric/kernel';
import { isRecord, isRecordSession, RECORD_PREFIXES } from '@provability-fabric/statements';
import { type Failure, Failures } from './failure.ts';
import { readEvidence } from './read-evidence.ts';
import type { Standing } from './rederivation.ts';
import type { TrustedKeys } from './trusted-keys.ts';
import { verifyBundles } from './verify-bundles.ts';
import { verifyCheckpoint, verifyConsistency, verifySince } from './verify-checkpoint.ts';
import { type AnyEntry, type ReadEntry, verifyEntry, verifyOrder } from './verify-entry.ts';
import { type VerifiedHead, verifyHead } from './verify-head.ts';
import { type RecordEntry, verifyContinuation, verifyRecords } from './verify-records.ts';
import { verifySession } from './verify-session.ts';

/** What the user demands beyond that nothing is wrong. */
export type Requirement = 're-derived' | 'complete' | 'head';

export interface Trust {
  readonly keys: TrustedKeys;
  /** A checkpoint of this log that the user kept: the file's must extend it. */
  readonly since: Checkpoint | null;
  readonly require: readonly Requirement[];
}

export interface VerifiedEntry {
  readonly entry: AnyEntry;
  readonly standing: Standing;
}

export interface VerifiedEvent extends VerifiedEntry {
  /** Something is wrong at this very event. */
  readonly failed: boolean;
}

export interface Verification {
  /** The checkpoint that everything stands under; null where none could be verified. */
  readonly checkpoint: Checkpoint | null;
  /** Signature lines on it whose keys were not given. */
  readonly uncheckedSignatures: number;
  readonly entries: number;
  /** By session, in the order of their first entries. */
  readonly events: readonly VerifiedEvent[];
  /** The head in the file; null where there is none, or none that holds. */
  readonly head: VerifiedHead | null;
  readonly failures: readonly Failure[];
}

/**
 * Verifies an evidence file against trusted keys and nothing else. Everything in the file may come from an
 * attacker, the writer of the log included: a signature says who wrote a thing, never that it is true. Throws
 * InvalidInput for what is no evidence file; whatever is wrong with one is among the failures.
 */
export function verifyEvidence(
  crypto: Crypto,
  bytes: Uint8Array,
  trust: Trust,
  progress: (done: number, total: number) => void = () => undefined,
): Verification {
  const failures = new Failures();
  const file = readEvidence(bytes, failures);
  if (file === undefined) return { ...NOTHING, failures: failures.all };

  const { logs, evidence } = trust.keys;
  const opened = verifyCheckpoint(crypto, file.checkpoint, logs, failures);
  const checkpoint = opened?.checkpoint;
  if (checkpoint !== undefined) {
    const { consistency } = file;
    const older = consistency
      ? verifyConsistency(crypto, consistency, checkpoint, logs, failures)
      : undefined;
    if (trust.since !== null) verifySince(trust.since, checkpoint, older, failures);
  }

  verifyOrder(file.entries, failures);
  const entries = file.entries.flatMap((entry, position) => {
    progress(position, file.entries.length);
    return verifyEntry(crypto, entry, checkpoint, evidence, failures) ?? [];
  });
  const bundles = verifyBundles(crypto, file.bundles, entries, failures);
  const sessions = sessionsOf(entries, failures);
  const verified = sessions.flatMap(({ records, actions }) => [
    ...verifyRecords(crypto, records, failures),
    ...verifySession(crypto, actions, bundles, failures),
  ]);
  verifyContinuation(
    sessions.map(({ records }) => records),
    failures,
  );
  const head = file.head ? verifyHead(crypto, file.head, entries, checkpoint, evidence, failures) : null;
  if (trust.require.includes('re-derived')) requireRederived(verified, failures);
  if (trust.require.includes('complete')) requireComplete(file.entries.length, checkpoint, failures);
  if (trust.require.includes('head')) requireHead(file.head !== undefined, head, failures);
  return {
    checkpoint: checkpoint ?? null,
    uncheckedSignatures: opened?.unchecked ?? 0,
    entries: file.entries.length,
    head,
    events: verified.map((event) => ({ ...event, failed: failures.has(event.entry.place) })),
    failures: failures.all,
  };
}

const NOTHING: Verification = {
  checkpoint: null,
  uncheckedSignatures: 0,
  entries: 0,
  events: [],
  head: null,
  failures: [],
};

/** One of the two is empty in a file that holds. */
interface SessionEntries {
  readonly records: RecordEntry[];
  readonly actions: ReadEntry[];
}

/**
 * Each session's entries, in the order of the file; a tenant's session is another tenant's by no name. Accesses to secrets
 * and governed changes have sessions of their own kinds: in an agent's they would be nothing that `step` did, and an
 * agent's statement among them would escape it.
 */
function sessionsOf(entries: readonly AnyEntry[], failures: Failures): readonly SessionEntries[] {
  const sessions = new Map<string, SessionEntries>();
  for (const entry of entries) {
    const { tenant, session, type } = entry.statement;
    const key = JSON.stringify([tenant, session]);
    const known = sessions.get(key) ?? { records: [], actions: [] };
    sessions.set(key, known);
    if (isFact(entry)) known.records.push(entry);
    else known.actions.push(entry as ReadEntry);
    if (belongs(entry, session)) continue;
    const expected = FITTING.find(([prefix]) => session.startsWith(prefix))?.[1] ?? "an agent's statement";
    failures.add('CHAIN', entry.place, `expected ${expected} in a session of that name, came a \`${type}\``);
  }
  return [...sessions.values()];
}

const FITTING: readonly (readonly [prefix: string, what: string])[] = [
  [RECORD_PREFIXES['secret-access'], 'an access to a secret'],
  [RECORD_PREFIXES['governed-change'], 'a governed change'],
];

function isFact(entry: AnyEntry): entry is RecordEntry {
  return isRecord(entry.statement);
}

function belongs(entry: AnyEntry, session: string): boolean {
  return isFact(entry)
    ? session.startsWith(RECORD_PREFIXES[entry.statement.type])
    : !isRecordSession(session);
}

function requireRederived(events: readonly VerifiedEntry[], failures: Failures): void {
  for (const { entry, standing } of events) {
    if (standing.status === 're-derived' || failures.has(entry.place)) continue;
    // A fact with all its details is as much as there can be.
    if (isFact(entry) && entry.record !== null) continue;
    const message = `expected every event re-derived, came ${standing.status}: ${standing.because}`;
    failures.add('REQUIREMENT', entry.place, message);
  }
}

function requireComplete(entries: number, checkpoint: Checkpoint | undefined, failures: Failures): void {
  if (checkpoint === undefined || checkpoint.size === entries) return;
  failures.add('REQUIREMENT', null, `expected all ${checkpoint.size} entries of the log, came ${entries}`);
}

function requireHead(there: boolean, head: VerifiedHead | null, failures: Failures): void {
  if (!there) failures.add('REQUIREMENT', null, 'expected a head in the file, came none');
  else if (head !== null && head.newer > 0)
    failures.add(
      'REQUIREMENT',
      null,
      `expected a head over all of the file, came one with ${head.newer} entries newer than it; export again a little later`,
    );
}
