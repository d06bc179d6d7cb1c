// What the journal's caller and this package agree on. Enforcement declares the same shapes in its own
// ports.ts: the two packages are of one ring and do not import each other, so the file log satisfies that
// port by structure.
import type { Digest } from '@provability-fabric/kernel';

/** One signed statement on its way into the log. */
export interface CommitEntry {
  readonly seq: number;
  /** SHA-256 of the statement's payload: what the next statement's `previous` names. */
  readonly digest: Digest;
  /** Canonical bytes of the DSSE envelope. */
  readonly envelope: Uint8Array;
  /** 32 random bytes: the log's leaf is SHA-256(salt ‖ envelope). */
  readonly salt: Uint8Array;
  /** Canonical bytes of the input record in the clear; the journal seals it for the tenant. */
  readonly record: Uint8Array;
}

export interface Commit {
  readonly tenant: string;
  readonly session: string;
  /** The seq and digest the session must end at for this to apply; -1 and null for a new session. */
  readonly expectedSeq: number;
  readonly expectedDigest: Digest | null;
  readonly entries: readonly CommitEntry[];
}

export type CommitResult =
  | { readonly ok: true; readonly firstIndex: number }
  | { readonly ok: false; readonly code: 'STALE_SESSION'; readonly seq: number };

/** Where a session ends. */
export interface SessionHead {
  readonly tenant: string;
  readonly session: string;
  readonly seq: number;
  readonly digest: Digest;
}

export interface StoredStatement {
  readonly index: number;
  readonly seq: number;
  readonly envelope: Uint8Array;
  readonly salt: Uint8Array;
  /** The opened record; null where it was erased. */
  readonly record: Uint8Array | null;
}

/** A statement as the ledger gives it back. */
export interface ArchivedStatement {
  readonly seq: number;
  readonly envelope: Uint8Array;
  readonly salt: Uint8Array;
  /** null where it was erased. */
  readonly sealedRecord: Uint8Array | null;
}

/** The ledger, for what is no longer in the journal. It is not trusted: its answers are held against the log. */
export interface SessionArchive {
  /** The session's statements from a seq on, in order. Throws where it cannot be reached. */
  session(tenant: string, session: string, fromSeq?: number): AsyncIterable<ArchivedStatement>;
}

/** One entry of the log with everything that was committed. */
export interface LogEntry {
  readonly index: number;
  readonly tenant: string;
  readonly session: string;
  /** Of the lease under which it was decided; absent without one. */
  readonly fence?: number;
  /** Committed with the first statement here of a session that another fabric had decided before. */
  readonly takenOver?: true;
  readonly seq: number;
  readonly digest: Digest;
  readonly envelope: Uint8Array;
  readonly salt: Uint8Array;
  readonly sealedRecord: Uint8Array;
}

/** A statement met while reading the whole log; its record stays sealed. */
export interface ScannedStatement {
  readonly index: number;
  readonly tenant: string;
  readonly session: string;
  readonly seq: number;
  readonly digest: Digest;
  readonly envelope: Uint8Array;
  readonly salt: Uint8Array;
}

/** What happens in here without anyone having asked, for the operator's log. */
export type EvidenceEvent =
  /** The last write before a crash was incomplete; its bytes were moved aside. Nobody had been answered. */
  | 'journal_torn_tail'
  /** A group of commits could not be made durable and was refused. */
  | 'journal_write_failed'
  /** Commits succeed again. */
  | 'journal_recovered'
  /** Even cutting off a failed write failed: everything is refused until a restart. */
  | 'journal_poisoned'
  | 'checkpoint_failed'
  /**
   * Stored tiles were missing or damaged and were written anew from the journal, which the checkpoint vouches
   * for.
   */
  | 'tiles_rebuilt'
  | 'record_key_created'
  /** A tenant whose records were erased became active again. */
  | 'record_key_renewed'
  /** Segments that the ledger has were removed from the journal. */
  | 'journal_freed'
  /** They could not be; tried again later. */
  | 'journal_free_failed'
  /** Entries reach the ledger, for the first time or again. */
  | 'ledger_reached'
  /** The ledger cannot be reached or written to; shipping is tried again until it can. */
  | 'ledger_lost'
  /** The ledger and this log contradict each other: nothing is shipped any more until a restart. */
  | 'ledger_refused'
  /** A signed head could not be kept. */
  | 'head_failed';

export type Emit = (event: EvidenceEvent, details: Readonly<Record<string, string | number>>) => void;

/** The place of a record: what its sealing is bound to. */
export interface RecordPlace {
  readonly tenant: string;
  readonly session: string;
  readonly seq: number;
}

/** Encrypts records so that one tenant's can be erased by forgetting one key. */
export interface RecordSealer {
  /**
   * Resolves once the tenant's key is durable. `hasHistory` says that the log holds records of this tenant
   * already: a key that is missing all the same was erased.
   */
  sealer(tenant: string, hasHistory: boolean): Promise<RecordSeal>;
  /** Reads the tenant's key once. */
  opener(tenant: string): Promise<RecordOpener>;
}

export type RecordSeal = (place: RecordPlace, record: Uint8Array) => Uint8Array;

/** Answers null for an erased record; throws RECORD_UNREADABLE for a changed one and for another key. */
export type RecordOpener = (place: RecordPlace, sealed: Uint8Array) => Uint8Array | null;
