// What carries a file log's entries to the ledger, and what a ledger keeps to. Adapters are in the storage
// package; what ships, and whoever else adds statements, asks for these.
import type { Digest } from '@provability-fabric/kernel';

export interface LedgerEntry {
  /**
   * 'permission-certificate' | 'outcome-certificate' | 'session-record' | 'head' | 'access-receipt' |
   * 'egress-certificate' | 'capability-token' | 'revocation'
   */
  readonly type: string;
  readonly tenant: string;
  /** null: a statement that belongs to no session, such as a head or a revocation. */
  readonly session: string | null;
  /** Gap-free within its session; null where session is null. */
  readonly seq: number | null;
  /** SHA-256 of the statement's payload: what makes the entry idempotent. */
  readonly digest: Digest;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  /** Canonical bytes of the DSSE envelope. */
  readonly envelope: Uint8Array;
  /** 32 bytes; the leaf is SHA-256(salt ‖ envelope). */
  readonly salt: Uint8Array;
  /** Encrypted for the tenant: the ledger cannot read it. */
  readonly sealedRecord: Uint8Array | null;
}

export interface LedgerBatch {
  /** Stable id of the file log. */
  readonly writer: string;
  /** The writer's log index of entries[0]; entries are consecutive there. null: not from a file log. */
  readonly from: number | null;
  readonly entries: readonly LedgerEntry[];
  /**
   * The fence under which each session in the batch was decided, by `${tenant}\n${session}`; absent: no
   * lease.
   */
  readonly fences?: ReadonlyMap<string, number>;
}

export interface LedgerAppended {
  readonly size: number;
  /** The signed note over a tree that has everything of the batch in it. */
  readonly checkpoint: string;
  readonly added: number;
  /** Were there already, by digest. */
  readonly repeated: number;
  /** Decided under an old fence: kept apart, not in the log. */
  readonly superseded: number;
  /** The index expected next of this writer; null where the batch came from no file log. */
  readonly position: number | null;
}

/** What the shipper needs. Failures carry one of the LEDGER_ codes as `code`. */
export interface LedgerWriter {
  /** 0 for a new writer. */
  position(writer: string): Promise<number>;
  /**
   * Atomic, and idempotent: the same batch again, or one that overlaps, adds nothing twice. Resolves only when
   * everything is durable and under a signed checkpoint; after a failure it may or may not be, and is sent
   * again.
   */
  append(batch: LedgerBatch): Promise<LedgerAppended>;
}
