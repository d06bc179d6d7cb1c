import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type LogReading,
  nodeCrypto,
  openKeyRing,
  readKeptHeads,
  readLogId,
} from '@provability-fabric/evidence';
import { equalBytes } from '@provability-fabric/kernel';
import type { Shell } from '../shell.ts';
import { type CheckedHeads, checkHeads } from './check-heads.ts';
import type { DataFolder } from './data-folder.ts';
import { exportSessions, type SessionName } from './export-sessions.ts';
import { openLog } from './open-log.ts';
import { runVerifier, type VerifierFailure } from './run-verifier.ts';

export interface WholeVerification {
  readonly sessions: number;
  readonly statements: number;
  readonly valid: number;
  readonly invalid: number;
  /** By how far each could be checked. */
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: readonly VerifierFailure[];
  /** Of the data folder. */
  readonly heads: Omit<CheckedHeads, 'failures'>;
  readonly checkpoint: { readonly origin: string; readonly size: number };
}

/** An evidence file is held in memory as a whole, so a long log is checked in several. */
const BATCH_STATEMENTS = 5000;
/** What pf-verify takes is bounded; a session is never cut, since its verdicts follow from all that it did before. */
const BATCH_BYTES = 96 * 1024 * 1024;

/** A fabric that runs signs a head up to this much before it publishes the checkpoint over the same entries. */
const BEHIND_MS = 2_000;
const LOOK_EVERY_MS = 100;

/** Every session of the log through pf-verify, and the log against the heads beside it. */
export async function verifyAll(
  shell: Shell,
  folder: DataFolder,
  keys: string,
  since: string | undefined,
): Promise<WholeVerification> {
  const keptHeads = await readKeptHeads(folder.path);
  const log = await openLogOver(folder, keptHeads.at(-1)?.head.log_size ?? 0);
  const kept = since === undefined ? undefined : await readFile(since, 'utf8');
  const options = ['--keys', keys, ...(since === undefined ? [] : ['--since', since])];
  const counts: Record<string, number> = {};
  const failures: VerifierFailure[] = [];
  let statements = 0;
  let sessions = 0;
  const continued = kept === undefined || continues(log, kept);
  if (!continued) {
    const message =
      'expected the log to continue the checkpoint given with --since; its history was rewritten or cut';
    failures.push({ code: 'CONSISTENCY', tenant: null, session: null, seq: null, message });
  }
  const waiting = continued ? [...batches(log)] : [];
  for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
    const { entries, bytes } = await exportSessions(log, folder, batch, kept);
    if (bytes.length > BATCH_BYTES && batch.length > 1) {
      const half = Math.ceil(batch.length / 2);
      waiting.unshift(batch.slice(0, half), batch.slice(half));
      continue;
    }
    const report = await runVerifier(shell, bytes, options);
    statements += entries;
    sessions += batch.length;
    failures.push(...report.failures);
    for (const [status, count] of Object.entries(report.counts))
      counts[status] = (counts[status] ?? 0) + count;
  }
  const ring = await openKeyRing(keys, { origin: folder.origin, create: false, crypto: nodeCrypto() });
  const { failures: wrong, ...heads } = await checkHeads(
    nodeCrypto(),
    log,
    keptHeads,
    ring.evidenceKeys(),
    await readLogId(folder.path),
  );
  failures.push(...wrong);
  const { size } = log.checkpoint();
  if (continued && statements !== size) {
    const message = `expected the sessions to make up all ${size} entries of the log, came ${statements}`;
    failures.push({ code: 'LOG_INCOMPLETE', tenant: null, session: null, seq: null, message });
  }
  const invalid = counts.failed ?? 0;
  const checkpoint = { origin: folder.origin, size };
  return { sessions, statements, valid: statements - invalid, invalid, counts, failures, heads, checkpoint };
}

/** The log, and a newer state of it as long as it is behind its own heads. */
async function openLogOver(folder: DataFolder, size: number): Promise<LogReading> {
  for (const end = performance.now() + BEHIND_MS; ; await sleep(LOOK_EVERY_MS)) {
    const log = await openLog(folder);
    if (log.size >= size || performance.now() > end) return log;
  }
}

/** Whether the log holds, at that size, what the kept checkpoint says it held. Throws for a checkpoint of another log. */
function continues(log: LogReading, note: string): boolean {
  const kept = log.openCheckpoint(note);
  return kept.size <= log.size && equalBytes(kept.root, log.rootAt(kept.size));
}

function* batches(log: LogReading): Generator<readonly SessionName[]> {
  let batch: SessionName[] = [];
  let held = 0;
  for (const { tenant, session, seq } of log.heads()) {
    batch.push({ tenant, session });
    held += seq + 1;
    if (held < BATCH_STATEMENTS) continue;
    yield batch;
    batch = [];
    held = 0;
  }
  if (batch.length > 0) yield batch;
}
