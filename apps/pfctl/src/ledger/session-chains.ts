import { asDigest, type Digest, hex, type JsonValue } from '@provability-fabric/kernel';
import type { SessionEnd } from '@provability-fabric/statements';
import type { StoredSession, StoredStatement } from '@provability-fabric/storage';
import type { Findings } from './findings.ts';

/** Follows every session through the log: gap-free, and each statement naming the one before it. */
export class SessionChains {
  readonly #findings: Findings;
  readonly #ends = new Map<string, { readonly seq: number; readonly digest: Digest }>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  get count(): number {
    return this.#ends.size;
  }

  /** Where a session stood before the first statement that is followed: only the newer part of it is looked at. */
  begin(tenant: string, session: string, seq: number, digest: Digest): void {
    this.#ends.set(keyOf(tenant, session), { seq, digest });
  }

  /** In log order. `previous` is undefined for a statement that was erased; answers where the session now ends. */
  follow(row: StoredStatement, previous: JsonValue | undefined): SessionEnd | undefined {
    const { tenant, session, seq } = row;
    if (session === null || seq === null) return undefined;
    const key = keyOf(tenant, session);
    const last = this.#ends.get(key);
    const next = (last?.seq ?? -1) + 1;
    if (seq !== next) this.#wrong(row, `expected seq ${next} next, came ${seq}`);
    // Beside a gap it says nothing new that the statement before is another.
    else if (previous !== undefined && previous !== (last?.digest ?? null))
      this.#wrong(row, `seq ${seq} was not issued after the statement that is stored before it`);
    const digest = asDigest(hex(row.digest));
    this.#ends.set(key, { seq, digest });
    return { tenant, session, seq, digest };
  }

  /**
   * Against the ledger's own word on where each session ends, by which it appends and others take over. `size` is how
   * much of the log was followed: a session may have gone on since.
   */
  async compare(rows: AsyncIterable<StoredSession>, size: number): Promise<void> {
    const unseen = new Set(this.#ends.keys());
    for await (const row of rows) {
      const key = keyOf(row.tenant, row.session);
      unseen.delete(key);
      const problem = problemOf(row, this.#ends.get(key), size);
      if (problem !== undefined) this.#wrong(row, problem);
    }
    for (const key of unseen) {
      const [tenant = '', session = ''] = key.split('\0');
      this.#wrong({ tenant, session }, 'the ledger has statements of it, and no record of where it ends');
    }
  }

  #wrong({ tenant, session }: { tenant: string; session: string | null }, message: string): void {
    this.#findings.addOnce('SESSION', `session ${tenant}/${session}`, message);
  }
}

function problemOf(
  { seq, digest, index, stored, more }: StoredSession,
  end: { readonly seq: number; readonly digest: Digest } | undefined,
  size: number,
): string | undefined {
  const last = end?.seq ?? -1;
  if (more) return `its record ends it at seq ${seq}, and there are later statements`;
  if (seq < last) return `its record ends it at seq ${seq}, the log at seq ${last}`;
  if (seq < 0) return undefined;
  const same = digest !== null && stored !== null && hex(digest) === hex(stored);
  // What was appended since is later in the log, and is there.
  if (index === null || (seq > last && index < size))
    return `its record ends it at seq ${seq}, the log at seq ${last}`;
  if (!same || (seq === last && hex(stored) !== end?.digest))
    return 'its record names another last statement than the log has';
  return undefined;
}

/** Names hold no NUL, so no two pairs share a key. */
function keyOf(tenant: string, session: string): string {
  return `${tenant}\0${session}`;
}
