import {
  base64,
  type Checkpoint,
  CheckpointError,
  type Crypto,
  equalBytes,
  fromBase64,
  NoteError,
  type NoteVerifier,
  openNote,
  parseCheckpoint,
  verifyConsistencyForLog,
} from '@provability-fabric/kernel';
import type { EvidenceExport } from '@provability-fabric/statements';
import { shorten } from './difference.ts';
import type { FailureCode, Failures } from './failure.ts';

export type OpenedCheckpoint =
  | {
      readonly ok: true;
      readonly checkpoint: Checkpoint;
      /** Signature lines that nobody checked, since their keys were not given: they prove nothing. */
      readonly unchecked: number;
    }
  | {
      readonly ok: false;
      readonly code: Extract<FailureCode, `CHECKPOINT_${string}`>;
      readonly message: string;
    };

/**
 * A checkpoint that a trusted log key signed, under the origin that the key is named for (C2SP tlog-
 * checkpoint).
 */
export function openCheckpoint(
  crypto: Crypto,
  note: string,
  logs: readonly NoteVerifier[],
): OpenedCheckpoint {
  try {
    const { text, verified } = openNote(crypto, note, logs);
    const checkpoint = parseCheckpoint(text);
    if (!verified.some(({ name }) => name === checkpoint.origin)) {
      const message = `expected a signature by the log \`${shorten(checkpoint.origin)}\` itself, came one by another log`;
      return { ok: false, code: 'CHECKPOINT_SIGNATURE', message };
    }
    const lines = note.slice(note.lastIndexOf('\n\n') + 2).split('\n').length - 1;
    return { ok: true, checkpoint, unchecked: lines - verified.length };
  } catch (error) {
    if (error instanceof CheckpointError)
      return { ok: false, code: 'CHECKPOINT_MALFORMED', message: error.message };
    if (!(error instanceof NoteError)) throw error;
    return { ok: false, code: CODES[error.code], message: error.message };
  }
}

const CODES = {
  NOTE_MALFORMED: 'CHECKPOINT_MALFORMED',
  NOTE_BAD_KEY: 'CHECKPOINT_MALFORMED',
  NOTE_UNVERIFIED: 'CHECKPOINT_UNKNOWN_KEY',
  NOTE_BAD_SIGNATURE: 'CHECKPOINT_SIGNATURE',
} as const;

/** The checkpoint that all of the file stands under. */
export function verifyCheckpoint(
  crypto: Crypto,
  note: string,
  logs: readonly NoteVerifier[],
  failures: Failures,
): (OpenedCheckpoint & { ok: true }) | undefined {
  const opened = openCheckpoint(crypto, note, logs);
  if (opened.ok) return opened;
  failures.add(opened.code, null, opened.message);
  return undefined;
}

/**
 * The file's own claim that its checkpoint extends an older one. Whether anybody asked for it or not, it must
 * hold.
 */
export function verifyConsistency(
  crypto: Crypto,
  consistency: NonNullable<EvidenceExport['consistency']>,
  checkpoint: Checkpoint,
  logs: readonly NoteVerifier[],
  failures: Failures,
): Checkpoint | undefined {
  const opened = openCheckpoint(crypto, consistency.old_checkpoint, logs);
  if (!opened.ok) {
    failures.add('CONSISTENCY', null, `the older checkpoint in the file: ${opened.message}`);
    return undefined;
  }
  const old = opened.checkpoint;
  if (old.origin !== checkpoint.origin) {
    failures.add('CONSISTENCY', null, 'expected an older checkpoint of the same log, came one of another');
    return undefined;
  }
  const check = verifyConsistencyForLog(crypto, {
    oldSize: old.size,
    oldRoot: old.root,
    newSize: checkpoint.size,
    newRoot: checkpoint.root,
    proof: consistency.proof.map((hash) => fromBase64(hash)),
  });
  if (check.ok) return old;
  failures.add(
    'CONSISTENCY',
    null,
    `the proof that the log only grew from size ${old.size}: ${check.reason}`,
  );
  return undefined;
}

/**
 * Whether the file's checkpoint extends the one that the user kept; `proven` is the older one that the file
 * proves.
 */
export function verifySince(
  kept: Checkpoint,
  checkpoint: Checkpoint,
  proven: Checkpoint | undefined,
  failures: Failures,
): void {
  const problem = sinceProblem(kept, checkpoint, proven);
  if (problem !== undefined) failures.add('CONSISTENCY', null, problem);
}

function sinceProblem(
  kept: Checkpoint,
  checkpoint: Checkpoint,
  proven: Checkpoint | undefined,
): string | undefined {
  if (kept.origin !== checkpoint.origin) {
    const [ours, came] = [shorten(kept.origin), shorten(checkpoint.origin)];
    return `expected a checkpoint of the kept one's log \`${ours}\`, came one of \`${came}\``;
  }
  if (kept.size === checkpoint.size) {
    if (equalBytes(kept.root, checkpoint.root)) return undefined;
    const [ours, came] = [base64(kept.root), base64(checkpoint.root)];
    return `the log shows two histories of size ${kept.size}: the kept root is ${ours}, came ${came}`;
  }
  if (kept.size > checkpoint.size) {
    const sizes = `of size ${kept.size}, came size ${checkpoint.size}`;
    return `expected a checkpoint no older than the kept one ${sizes}; export anew`;
  }
  if (proven === undefined) {
    return `expected a proof that the log only grew from the kept size ${kept.size}; export since that checkpoint`;
  }
  const same = proven.size === kept.size && equalBytes(proven.root, kept.root);
  return same
    ? undefined
    : `expected a proof from the kept checkpoint of size ${kept.size}, came one from size ${proven.size}`;
}
