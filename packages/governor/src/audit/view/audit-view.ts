import { type Crypto, type Digest, equalBytes } from '@provability-fabric/kernel';
import { GovernorError } from '../../errors.ts';
import { type AuditRecord, auditLine, auditRecord, openChange } from '../audit-record.ts';
import type { AuditPosition } from '../change-event.ts';
import type { ChangeSource } from '../change-source.ts';
import { AuditFile, damaged } from './audit-file.ts';
import { lastRecords } from './last-records.ts';
import { type AuditVerification, verifyAudit } from './verify-audit.ts';

export interface AuditViewOptions {
  /** `<data>/audit.log`; one process writes it. */
  readonly path: string;
  readonly source: ChangeSource;
  readonly crypto: Crypto;
  readonly tenant: string;
  /** The keys that statements may be signed with, active and retired ones. */
  readonly keys: () => ReadonlyMap<string, Uint8Array> | Promise<ReadonlyMap<string, Uint8Array>>;
  /** Resolves after that many ms. */
  readonly pause: (ms: number) => Promise<void>;
  /** A file of this size is compressed to `audit.log.<n>.gz` and a new one begun; absent: never. */
  readonly maxBytes?: number;
  /** So long `positionOf` waits for a statement to get into the order of all governors; 10,000. */
  readonly patienceMs?: number;
  readonly emit?: (event: AuditViewEvent, details: Readonly<Record<string, string | number>>) => void;
}

export type AuditViewEvent =
  /** The last line was incomplete; it is written again. */
  | 'audit_view_torn'
  /** Somebody else wrote to the file, or replaced it; it was opened anew. */
  | 'audit_view_reopened'
  | 'audit_view_rotated'
  /** The file cannot be kept up; tried again with the next change. */
  | 'audit_view_failed';

export interface AuditView {
  /** Brings the file up to what is on record; answers where it ends, null where nothing is on record yet. */
  catchUp(): Promise<AuditPosition | null>;
  /** Of a statement that was just recorded. Throws CHANGE_AUDIT_UNAVAILABLE where it does not come in time. */
  positionOf(statement: Digest): Promise<AuditPosition>;
  /** The last n, the oldest of them first; at most 10,000. */
  last(n: number): Promise<readonly AuditRecord[]>;
  verify(): Promise<AuditVerification>;
  /** How many records the file lacks. */
  behind(): Promise<number>;
  health(): readonly string[];
  close(): Promise<void>;
}

const AT_ONCE = 64;
const MOST_RECENT = 8_192;
const LOOK_AGAIN_MS = 250;

/** Keeps `audit.log`, the original's form of what is on record, up to it. */
export async function openAuditView(options: AuditViewOptions): Promise<AuditView> {
  const { source, path, crypto, pause, patienceMs = 10_000, emit = () => undefined } = options;
  const opening = { path, crypto, maxBytes: options.maxBytes };
  let file = await AuditFile.open(opening);
  let { next, root } = file.end;
  /** Whether what the file ends with is what the source has there. */
  let confirmed = file.end.envelope === undefined;
  let problem: string | undefined;
  let running: Promise<void> | undefined;
  let again: Promise<void> | undefined;
  let closed = false;
  const recent = new Map<string, AuditPosition>();
  const waiting = new Set<() => void>();
  if (file.torn) emit('audit_view_torn', { index: next });

  async function reopen(): Promise<void> {
    await file.close();
    file = await AuditFile.open(opening);
    ({ next, root } = file.end);
    confirmed = file.end.envelope === undefined;
    emit('audit_view_reopened', { index: next });
  }

  async function confirm(): Promise<boolean> {
    if (confirmed) return true;
    for await (const { envelope } of source.from(next - 1)) {
      if (!equalBytes(envelope, file.end.envelope as Uint8Array))
        throw damaged(`record ${next - 1} of the audit log is not what was put on record there`);
      confirmed = true;
      return true;
    }
    // The source is behind the file: a ledger that is yet to get what a journal has.
    return false;
  }

  async function write(lines: readonly string[], known: ReadonlyMap<string, AuditPosition>, end: string) {
    await file.append(lines.join(''));
    next += lines.length;
    root = end;
    for (const [digest, position] of known) recent.set(digest, position);
    for (const digest of recent.keys()) {
      if (recent.size <= MOST_RECENT) break;
      recent.delete(digest);
    }
    for (const wake of waiting) wake();
    if (!file.isFull) return;
    await file.rotate(next, root);
    emit('audit_view_rotated', { index: next });
  }

  async function fill(): Promise<void> {
    if (!(await file.isOurs())) await reopen();
    if (!(await confirm())) return;
    let lines: string[] = [];
    let known = new Map<string, AuditPosition>();
    let end = root;
    for await (const { index, envelope } of source.from(next)) {
      const opened = openChange(crypto, envelope);
      const record = auditRecord(crypto, envelope, opened, { index, root: end });
      end = record.merkle_root;
      lines.push(`${auditLine(record)}\n`);
      known.set(opened.digest, { index, merkle_root: end });
      if (lines.length < AT_ONCE) continue;
      await write(lines, known, end);
      [lines, known] = [[], new Map()];
    }
    if (lines.length > 0) await write(lines, known, end);
  }

  async function filled(): Promise<void> {
    if (closed) throw unavailable('the audit log is not kept up any more: the governor is closing');
    try {
      await fill();
      problem = undefined;
    } catch (error) {
      problem = error instanceof GovernorError ? error.message : 'audit.log cannot be written';
      emit('audit_view_failed', { problem });
      if (error instanceof GovernorError) throw error;
      throw new GovernorError('CHANGE_AUDIT_UNAVAILABLE', 'the audit log could not be written', {
        cause: error,
      });
    }
  }

  /** Whoever asks while one is under way gets the one after it: what they know of may have come too late for the first. */
  function bringUp(): Promise<void> {
    if (running === undefined) {
      running = filled().finally(() => {
        running = undefined;
      });
      return running;
    }
    again ??= running
      .catch(() => undefined)
      .then(() => {
        again = undefined;
        return bringUp();
      });
    return again;
  }

  async function somethingNew(ms: number): Promise<void> {
    let wake: (() => void) | undefined;
    const written = new Promise<void>((resolve) => {
      wake = resolve;
      waiting.add(resolve);
    });
    await Promise.race([pause(ms), written]);
    if (wake !== undefined) waiting.delete(wake);
  }

  const stop = source.changed(() => {
    if (!closed) bringUp().catch(() => undefined);
  });

  return {
    async catchUp() {
      await bringUp();
      return next === 0 ? null : { index: next - 1, merkle_root: root };
    },
    async positionOf(statement) {
      for (let waited = 0; ; waited += LOOK_AGAIN_MS) {
        const known = recent.get(statement);
        if (known !== undefined) return known;
        await bringUp();
        const found = recent.get(statement);
        if (found !== undefined) return found;
        if (waited >= patienceMs)
          throw unavailable(
            `expected the statement in the order of all governors within ${patienceMs} ms, it did not come; it is on ` +
              'record, and its place is yet to be known',
          );
        await somethingNew(LOOK_AGAIN_MS);
      }
    },
    last: (n) => lastRecords(crypto, path, n),
    async verify() {
      // What is being written this moment is no lag.
      await Promise.allSettled([running, again]);
      return verifyAudit({ ...options, keys: await options.keys() });
    },
    async behind() {
      return Math.max(0, (await source.count()) - next);
    },
    health: () => (problem === undefined ? [] : [problem]),
    async close() {
      if (closed) return;
      closed = true;
      stop();
      await Promise.allSettled([running, again]);
      await file.close();
    },
  };
}

function unavailable(message: string): GovernorError {
  return new GovernorError('CHANGE_AUDIT_UNAVAILABLE', message);
}
