/** One `governed-change` statement as a log or a ledger has it. */
export interface SourcedChange {
  /** From 0, in the order of the source. */
  readonly index: number;
  /** Canonical bytes of the DSSE envelope. */
  readonly envelope: Uint8Array;
  /** Canonical bytes of the opened record; null where it was erased, or its key is not here. */
  readonly record: Uint8Array | null;
}

/**
 * Everything that governors of one tenant have put on record, in an order that never changes: the journal of this process, or
 * the ledger that several share. What it gives is held against the signed checkpoint of what it reads.
 */
export interface ChangeSource {
  /** From an index on, as far as it goes when this is called. */
  from(index: number): AsyncIterable<SourcedChange>;
  count(): Promise<number>;
  /** Told that there may be more; answers how to stop that. */
  changed(listener: () => void): () => void;
  /** Looks again at what somebody else writes meanwhile; absent where `count` always does. */
  refresh?(): Promise<void>;
}
