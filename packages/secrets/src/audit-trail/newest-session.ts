import type { Digest } from '@provability-fabric/kernel';
import { SECRETS_SESSION_PREFIX } from '@provability-fabric/statements';
import type { AuditJournal } from './ports.ts';

/** Where a tenant's accesses go on. */
export interface ChainEnd {
  readonly session: string;
  /** -1 and null where the session is yet to begin. */
  readonly seq: number;
  readonly digest: Digest | null;
  /** Where the session before ended, which the first statement names; null for the first session. */
  readonly continues: Digest | null;
}

/**
 * The session that the tenant's next access belongs into: the newest one, or the one after it where that is full. Sessions
 * are numbered without a gap, so that the newest is found by doubling and halving, with nothing kept in memory.
 */
export function newestSession(
  journal: Pick<AuditJournal, 'head'>,
  logId: string,
  tenant: string,
  length: number,
): ChainEnd {
  const name = (number: number) => `${SECRETS_SESSION_PREFIX}${logId}:${number}`;
  const has = (number: number) => journal.head(tenant, name(number)) !== undefined;
  const number = newest(has);
  const head = number < 0 ? undefined : journal.head(tenant, name(number));
  const before = (of: number) => journal.head(tenant, name(of))?.digest ?? null;
  if (head === undefined) return { session: name(0), seq: -1, digest: null, continues: null };
  if (head.seq + 1 >= length)
    return { session: name(number + 1), seq: -1, digest: null, continues: head.digest };
  const continues = number === 0 ? null : before(number - 1);
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
