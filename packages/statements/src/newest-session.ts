import type { Digest } from '@provability-fabric/kernel';
import { type RecordSessionPrefix, recordSession } from './record-session.ts';

/** What a log has of its sessions; undefined for a session without statements. */
export interface SessionHeads {
  head(tenant: string, session: string): { readonly seq: number; readonly digest: Digest } | undefined;
}

/** Whose facts of which kind, and how many of them a session has before the next one begins. */
export interface RecordChainName {
  readonly prefix: RecordSessionPrefix;
  readonly log: string;
  readonly tenant: string;
  readonly length: number;
}

/** Where a chain of facts goes on. */
export interface ChainEnd {
  readonly session: string;
  /** -1 and null where the session is yet to begin. */
  readonly seq: number;
  readonly digest: Digest | null;
  /** Where the session before ended, which the first statement names; null for the first session. */
  readonly continues: Digest | null;
}

/**
 * The session that the next fact belongs into: the newest one, or the one after it where that is full. Sessions are
 * numbered without a gap, so that the newest is found by doubling and halving, with nothing kept in memory.
 */
export function newestSession(
  heads: SessionHeads,
  { prefix, log, tenant, length }: RecordChainName,
): ChainEnd {
  const name = (number: number) => recordSession({ prefix, log, number });
  const headOf = (number: number) => heads.head(tenant, name(number));
  const number = newest((tried) => headOf(tried) !== undefined);
  const head = number < 0 ? undefined : headOf(number);
  if (head === undefined) return { session: name(0), seq: -1, digest: null, continues: null };
  if (head.seq + 1 >= length)
    return { session: name(number + 1), seq: -1, digest: null, continues: head.digest };
  const continues = number === 0 ? null : (headOf(number - 1)?.digest ?? null);
  return { session: name(number), seq: head.seq, digest: head.digest, continues };
}

/** The highest number that there is, -1 for none. */
function newest(has: (number: number) => boolean): number {
  if (!has(0)) return -1;
  let there = 0;
  let absent = 1;
  while (has(absent)) {
    there = absent;
    absent *= 2;
  }
  while (absent - there > 1) {
    const middle = Math.floor((there + absent) / 2);
    if (has(middle)) there = middle;
    else absent = middle;
  }
  return there;
}
