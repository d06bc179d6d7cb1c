// What becomes of batches, decided from what the ledger holds, before any of it is written. Pure.
import { LedgerError } from '../errors.ts';
import type { PreparedBatch, PreparedEntry } from './prepared-entry.ts';

export interface StoredSession {
  /** -1 and null for a session of which the ledger has only a fence. */
  readonly seq: number;
  readonly digest: string | null;
  readonly fence: number;
  /** Whoever leased it last; null for a session that nobody ever leased. */
  readonly owner: string | null;
}

/** Sessions by `sessionKey`, everything as locked by the sequencer's transaction. */
export interface LedgerHoldings {
  readonly size: number;
  /** Of the digests in the batches, those that the ledger has, superseded ones included. */
  readonly digests: ReadonlySet<string>;
  readonly sessions: ReadonlyMap<string, StoredSession>;
  readonly positions: ReadonlyMap<string, number>;
}

export interface SupersededEntry {
  readonly prepared: PreparedEntry;
  readonly writer: string;
  readonly fence: number;
}

export interface BatchOutcome {
  readonly added: number;
  readonly repeated: number;
  readonly superseded: number;
  readonly position: number | null;
}

export interface AppendPlan {
  /** In log order, the first at index `size`. */
  readonly added: readonly { readonly prepared: PreparedEntry; readonly writer: string }[];
  readonly superseded: readonly SupersededEntry[];
  /** Those that changed. */
  readonly sessions: ReadonlyMap<string, StoredSession>;
  readonly positions: ReadonlyMap<string, number>;
  /** One for each batch; a batch that contradicts the ledger gets its error and takes no other with it. */
  readonly outcomes: readonly (BatchOutcome | LedgerError)[];
}

export function sessionKey(tenant: string, session: string): string {
  return `${tenant}\n${session}`;
}

export function planAppend(batches: readonly PreparedBatch[], holdings: LedgerHoldings): AppendPlan {
  const plan = new Draft(holdings);
  const outcomes = batches.map((batch) => {
    const part = new Draft(plan);
    try {
      const outcome = planBatch(batch, part);
      plan.take(part);
      return outcome;
    } catch (error) {
      if (error instanceof LedgerError) return error;
      throw error;
    }
  });
  const { added, superseded, sessions, positions } = plan;
  return { added, superseded, sessions, positions, outcomes };
}

interface Known {
  hasDigest(digest: string): boolean;
  session(key: string): StoredSession | undefined;
  position(writer: string): number;
}

/** What changes, over what is known. */
class Draft implements Known {
  readonly added: { prepared: PreparedEntry; writer: string }[] = [];
  readonly superseded: SupersededEntry[] = [];
  readonly sessions = new Map<string, StoredSession>();
  readonly positions = new Map<string, number>();
  readonly #digests = new Set<string>();
  readonly #below: Known;

  constructor(below: LedgerHoldings | Draft) {
    this.#below =
      below instanceof Draft
        ? below
        : {
            hasDigest: (digest) => below.digests.has(digest),
            session: (key) => below.sessions.get(key),
            position: (writer) => below.positions.get(writer) ?? 0,
          };
  }

  hasDigest(digest: string): boolean {
    return this.#digests.has(digest) || this.#below.hasDigest(digest);
  }

  session(key: string): StoredSession | undefined {
    return this.sessions.get(key) ?? this.#below.session(key);
  }

  position(writer: string): number {
    return this.positions.get(writer) ?? this.#below.position(writer);
  }

  add(prepared: PreparedEntry, writer: string): void {
    this.added.push({ prepared, writer });
    this.#digests.add(prepared.entry.digest);
  }

  supersede(entry: SupersededEntry): void {
    this.superseded.push(entry);
    this.#digests.add(entry.prepared.entry.digest);
  }

  take(part: Draft): void {
    this.added.push(...part.added);
    this.superseded.push(...part.superseded);
    for (const digest of part.#digests) this.#digests.add(digest);
    for (const [key, session] of part.sessions) this.sessions.set(key, session);
    for (const [writer, position] of part.positions) this.positions.set(writer, position);
  }
}

function planBatch({ batch, entries }: PreparedBatch, draft: Draft): BatchOutcome {
  const { writer, from, fences } = batch;
  const position = draft.position(writer);
  if (from !== null && from > position) {
    throw conflict(
      `expected the writer's entry \`${position}\` next, got \`${from}\`: entries in between are missing`,
    );
  }
  let repeated = 0;
  for (const [place, prepared] of entries.entries()) {
    const { tenant, session, seq, digest } = prepared.entry;
    if (draft.hasDigest(digest)) {
      repeated++;
      continue;
    }
    if (from !== null && from + place < position) {
      throw conflict(
        `the writer's entry \`${from + place}\` is another than the one that the ledger has of it`,
      );
    }
    if (session === null || seq === null) {
      draft.add(prepared, writer);
      continue;
    }
    const key = sessionKey(tenant, session);
    const fence = fences?.get(key);
    const stored = draft.session(key) ?? { seq: -1, digest: null, fence: 0, owner: null };
    // Without a fence (the writer was restarted, and ships before it decides) the lease itself tells whose it is.
    const isOld =
      fence === undefined ? stored.owner !== null && stored.owner !== writer : fence < stored.fence;
    if (isOld) {
      draft.supersede({ prepared, writer, fence: fence ?? 0 });
      continue;
    }
    const problem = chainProblem(prepared, stored);
    if (problem === undefined) {
      draft.add(prepared, writer);
      draft.sessions.set(key, { ...stored, seq, digest, fence: Math.max(fence ?? 0, stored.fence) });
    } else if (fence === undefined && stored.fence > 0) {
      // A leased session, and nobody knows any more under which fence this was decided (the writer was
      // restarted). It does not continue the session, so somebody else did, under a newer fence.
      draft.supersede({ prepared, writer, fence: 0 });
    } else {
      throw conflict(problem);
    }
  }
  const end = from === null ? null : Math.max(position, from + entries.length);
  if (end !== null && end !== position) draft.positions.set(writer, end);
  return { added: draft.added.length, repeated, superseded: draft.superseded.length, position: end };
}

function chainProblem({ entry, previous }: PreparedEntry, stored: StoredSession): string | undefined {
  if (entry.seq !== stored.seq + 1) {
    return `expected seq \`${stored.seq + 1}\` of a session next, got another statement with seq \`${entry.seq}\``;
  }
  if (previous !== undefined && previous !== stored.digest) {
    return `the statement with seq \`${entry.seq}\` continues another one than the session's last`;
  }
  return undefined;
}

function conflict(problem: string): LedgerError {
  return new LedgerError(
    'LEDGER_CONFLICT',
    `${problem}; evidence contradicts evidence: keep both, and find out which data folder was restored or copied`,
  );
}
