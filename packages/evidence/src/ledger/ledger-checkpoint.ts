import {
  type Checkpoint,
  CheckpointError,
  type Crypto,
  formatCheckpoint,
  NoteError,
  type NoteSigner,
  type NoteVerifier,
  signNote,
} from '@provability-fabric/kernel';
import { openCheckpoint } from '../file-log/checkpoint-file.ts';

/** The signed note over a tree. */
export function signCheckpoint(
  signer: NoteSigner,
  tree: { readonly origin: string; readonly size: number; readonly root: Uint8Array },
): string {
  return signNote(formatCheckpoint({ ...tree, extensions: [] }), [signer]);
}

/** undefined where the note is no checkpoint of that log, signed by one of those keys. */
export function readCheckpoint(
  crypto: Crypto,
  note: string,
  origin: string,
  verifiers: readonly NoteVerifier[],
): Checkpoint | undefined {
  try {
    return openCheckpoint(crypto, note, origin, verifiers);
  } catch (error) {
    if (error instanceof NoteError || error instanceof CheckpointError) return undefined;
    throw error;
  }
}
