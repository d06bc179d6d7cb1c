import type { Digest } from '@provability-fabric/kernel';
import type { ApprovalDecision, Decision, Environment, TicketStatus } from '@provability-fabric/policy';
import type { OutcomeKind } from '@provability-fabric/statements';

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
  /** Log index; -1 for a statement that another fabric decided: it is not in this log. */
  readonly index: number;
  readonly seq: number;
  readonly envelope: Uint8Array;
  readonly salt: Uint8Array;
  /** The opened record; null where it was erased. */
  readonly record: Uint8Array | null;
}

/**
 * The durable journal. `commit` is atomic over its entries and resolves only once they survive a crash; commits of one
 * session are applied in order and only onto the expected head. It throws when durability cannot be had: then nothing
 * of the commit will ever be found, and the caller answers EVIDENCE_UNAVAILABLE.
 */
export interface Journal {
  commit(commit: Commit): Promise<CommitResult>;
  heads(): Iterable<SessionHead>;
  head(tenant: string, session: string): SessionHead | undefined;
  /** A session's statements in seq order, all of them, with index -1 for what another fabric decided. */
  readSession(tenant: string, session: string): AsyncIterable<StoredStatement>;
  /**
   * The session goes on from where the ledger has it: `head` and `readSession` say so from now on, and the next commit goes
   * there. What this journal alone has of it was never answered. Needed where there are leases.
   */
  continueFrom?(head: SessionHead): void;
}

/**
 * How far the ledger has what this process committed. `upTo` resolves once the entry with that log index is there, at
 * once where it is already, and rejects after the time.
 */
export interface Ledgered {
  /** Age of the oldest durable entry that the ledger lacks; 0 where it lacks none. */
  lagMs(): number;
  upTo(index: number, timeoutMs: number): Promise<void>;
}

export type Lease =
  | { readonly ok: true; readonly fence: number }
  | {
      readonly ok: false;
      readonly owner: string;
      /** Where the owner listens. */
      readonly address: string | null;
      /** `tail-missing`: the owner is gone, and what only it has of the session cannot be guessed. */
      readonly reason: 'held' | 'tail-missing';
    };

/**
 * Which fabric decides for a session, where several share a ledger. Each acquisition has a higher fence than all before
 * it. `holds` is by this process's own clock, with a margin: while it is true nobody else has been given the session.
 */
export interface Leases {
  acquire(tenant: string, session: string): Promise<Lease>;
  holds(tenant: string, session: string): boolean;
  /** Only after everything of the session is in the ledger: the next owner goes on from what it finds there. */
  release(tenant: string, session: string): Promise<void>;
}

/** Where sessions end in the ledger; superseded statements are in no session. */
export interface SessionArchive {
  find(tenant: string, session: string): Promise<SessionHead | undefined>;
  /** The session whose id is `prefix` and the highest number, for principals whose host names no sessions. */
  newest(tenant: string, prefix: string): Promise<string | undefined>;
}

/** ms since the epoch. May jump; `step` never lets a session's time go back. */
export interface Clock {
  now(): number;
}

/** Random bytes from the operating system. */
export interface Randomness {
  bytes(length: number): Uint8Array;
}

/** What holds right now outside the sessions, as configured. */
export interface Surroundings {
  environment(): Environment;
  /** The epoch in force for a tenant. */
  epoch(tenant: string): number;
}

/** Told of everything that was decided, after it is durable; for logs and metrics. */
export interface Observer {
  decided(event: DecidedEvent): void;
  settled(event: SettledEvent): void;
  /** Time has passed that a clause gave for something that was not done; each obligation once. */
  overdue(event: OverdueEvent): void;
  /** Somebody has decided about an action that is held. */
  approval(event: ApprovalEvent): void;
  /** Evidence could not be made durable, or not in time where it has to be, so the action was refused. */
  unavailable(event: { readonly tenant: string; readonly session: string; readonly cause: unknown }): void;
}

export interface DecidedEvent {
  readonly tenant: string;
  readonly session: string;
  readonly principal: string;
  readonly certificateId: string;
  readonly action: string;
  readonly target: string;
  readonly decision: Decision;
  /** Of `step` alone, and of the whole way to durability. */
  readonly stepMs: number;
  readonly latencyMs: number;
}

export interface ApprovalEvent {
  readonly tenant: string;
  readonly session: string;
  readonly ticket: string;
  readonly target: string;
  /** Who decided. */
  readonly approver: string;
  readonly decision: ApprovalDecision;
  /** Of the ticket, with this decision. */
  readonly status: TicketStatus;
}

export interface OverdueEvent {
  readonly tenant: string;
  readonly session: string;
  readonly clause: string;
  /** ms since the epoch: when it ought to have been done. */
  readonly since: number;
}

export interface SettledEvent {
  readonly tenant: string;
  readonly session: string;
  readonly certificateId: string;
  readonly outcome: OutcomeKind;
}
