import { readFile } from 'node:fs/promises';
import {
  type Checkpoint,
  CheckpointError,
  type Crypto,
  NoteError,
  type NoteVerifier,
  openNote,
  parseCheckpoint,
} from '@provability-fabric/kernel';
import { EvidenceError, hasSystemCode } from '../errors.ts';

/** The newest checkpoint that was published. */
export interface PublishedCheckpoint {
  /** The signed note, as it lies in `log/checkpoint`. */
  readonly note: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** A checkpoint of this log, signed by one of its keys; throws NoteError or CheckpointError. */
export function openCheckpoint(
  crypto: Crypto,
  note: string,
  origin: string,
  verifiers: readonly NoteVerifier[],
): Checkpoint {
  const checkpoint = parseCheckpoint(openNote(crypto, note, verifiers).text);
  if (checkpoint.origin !== origin) {
    throw new CheckpointError(`expected a checkpoint of \`${origin}\`, got one of \`${checkpoint.origin}\``);
  }
  return checkpoint;
}

/** The stored checkpoint; undefined where none was ever published. */
export async function readCheckpointFile(
  crypto: Crypto,
  path: string,
  origin: string,
  verifiers: readonly NoteVerifier[],
): Promise<PublishedCheckpoint | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  const note = bytes.toString('utf8');
  try {
    const { size, root } = openCheckpoint(crypto, note, origin, verifiers);
    return { note, size, root };
  } catch (error) {
    if (!(error instanceof NoteError || error instanceof CheckpointError)) throw error;
    throw new EvidenceError(
      'EVIDENCE_CORRUPT',
      `checkpoint \`${path}\` is not what this log signed: ${error.message}; put back the file and the keys it was ` +
        'signed with',
      { cause: error },
    );
  }
}
