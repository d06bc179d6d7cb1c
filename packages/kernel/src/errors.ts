// Every failure the kernel reports. Codes are stable (docs and callers switch on them); messages name what
// was expected and what came, never the content of a payload, which may be a secret.

/**
 * Reading or writing JSON failed. `offset` counts UTF-16 code units (bytes for JSON_UTF8); -1 where none
 * applies.
 */
export class JsonError extends Error {
  override readonly name = 'JsonError';
  constructor(
    readonly code: JsonErrorCode,
    message: string,
    readonly offset = -1,
  ) {
    super(offset < 0 ? message : `${message} (at offset ${offset})`);
  }
}

export type JsonErrorCode =
  | 'JSON_SYNTAX'
  | 'JSON_DUPLICATE_KEY'
  | 'JSON_LONE_SURROGATE'
  | 'JSON_NUMBER_RANGE'
  | 'JSON_DEPTH'
  | 'JSON_UTF8'
  | 'JSON_NOT_CANONICAL'
  | 'JSON_UNREPRESENTABLE';

/** A text encoding (UTF-8, hex, base64) is not in its one strict form. */
export class BytesError extends Error {
  override readonly name = 'BytesError';
  constructor(
    readonly code: 'BAD_UTF8' | 'BAD_TEXT' | 'BAD_HEX' | 'BAD_BASE64',
    message: string,
    readonly offset = -1,
  ) {
    super(offset < 0 ? message : `${message} (at offset ${offset})`);
  }
}

/** A text is not an identifier or digest of the asked kind. */
export class IdError extends Error {
  override readonly name = 'IdError';
  readonly code = 'BAD_ID';
}

/** A level, compartment or integrity that the lattice does not have. */
export class LabelError extends Error {
  override readonly name = 'LabelError';
  readonly code = 'BAD_LABEL';
}

/**
 * A caller asked a Merkle tree for something that cannot exist (an index past the end, a hash of 31 bytes).
 */
export class MerkleError extends Error {
  override readonly name = 'MerkleError';
  readonly code = 'MERKLE_ARGUMENT';
}

/** A signed note, its signatures or a note key is not acceptable. */
export class NoteError extends Error {
  override readonly name = 'NoteError';
  constructor(
    readonly code: 'NOTE_MALFORMED' | 'NOTE_UNVERIFIED' | 'NOTE_BAD_SIGNATURE' | 'NOTE_BAD_KEY',
    message: string,
  ) {
    super(message);
  }
}

/** The text of a note is not a checkpoint. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
  readonly code = 'CHECKPOINT_MALFORMED';
}

/** A DSSE envelope is not acceptable. */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';
  constructor(
    readonly code: 'ENVELOPE_MALFORMED' | 'ENVELOPE_UNKNOWN_KEY' | 'ENVELOPE_BAD_SIGNATURE',
    message: string,
  ) {
    super(message);
  }
}
