import type { SecretAccess } from '../audit.ts';
import { SecretError } from '../errors.ts';
import { newestSession } from './newest-session.ts';
import type { AuditCommitEntry, AuditJournal, AuditRows } from './ports.ts';
import { type AccessWriting, writeAccess } from './write-access.ts';

export interface TenantChainOptions extends AccessWriting {
  readonly journal: AuditJournal;
  readonly rows: AuditRows;
  readonly logId: string;
  readonly tenant: string;
  readonly sessionLength: number;
  /** Nothing waits any more. */
  idle(): void;
  /** Told of each group, and what was wrong with it. */
  settled(part: 'statement' | 'row', failure?: string): void;
}

interface Waiting {
  readonly access: SecretAccess;
  readonly resolve: () => void;
  readonly reject: (error: SecretError) => void;
}

/** Enough to share a write of the disk, and so few that the rows of one group are written while the next is signed. */
const LARGEST_GROUP = 64;
/** Nobody else writes to these sessions; a head that keeps moving is a fault of its own. */
const MOST_ATTEMPTS = 8;

/** The accesses of one tenant, one after the other: what comes while a commit is under way goes into the next one. */
export class TenantChain {
  readonly #options: TenantChainOptions;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(options: TenantChainOptions) {
    this.#options = options;
  }

  record(access: SecretAccess): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ access, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    // Callers that come in the same turn share the first commit too.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = await this.#commit();
      // The next commit does not wait for these rows.
      if (group !== undefined) void this.#append(group.group, group.entries);
    }
    this.#running = false;
    this.#options.idle();
  }

  /** Commits as many as fit; undefined where that failed, and they were told so. */
  async #commit(): Promise<
    { readonly group: readonly Waiting[]; readonly entries: readonly AuditCommitEntry[] } | undefined
  > {
    const { journal, logId, tenant, sessionLength, settled } = this.#options;
    let group: readonly Waiting[] = [];
    try {
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        const end = newestSession(journal, logId, tenant, sessionLength);
        const room = Math.min(LARGEST_GROUP, sessionLength - end.seq - 1);
        if (group.length === 0) group = this.#waiting.splice(0, room);
        // A head that moved meanwhile may leave less room: the rest waits in its place.
        if (group.length > room) {
          this.#waiting.unshift(...group.slice(room));
          group = group.slice(0, room);
        }
        const entries = this.#write(group, end);
        const { session, seq, digest } = end;
        const commit = { tenant, session, expectedSeq: seq, expectedDigest: digest, entries };
        const result = await journal.commit(commit);
        if (!result.ok) continue;
        settled('statement');
        return { group, entries };
      }
      throw new Error(`the session moved on ${MOST_ATTEMPTS} times`);
    } catch (cause) {
      settled(
        'statement',
        'accesses to secrets cannot be made durable in the journal, so secrets are refused',
      );
      const message = 'the access could not be made durable in the journal; nothing was done, try again';
      // Whatever failed, nobody waits for ever.
      if (group.length === 0) group = this.#waiting.splice(0);
      for (const { reject } of group) reject(new SecretError('AUDIT_UNAVAILABLE', message, { cause }));
      return undefined;
    }
  }

  #write(
    group: readonly Waiting[],
    { session, seq: last, digest, continues }: ReturnType<typeof newestSession>,
  ): readonly AuditCommitEntry[] {
    let previous = digest;
    return group.map(({ access }, position) => {
      const seq = last + 1 + position;
      const place = { session, seq, previous, continues: seq === 0 ? continues : null };
      const entry = writeAccess(this.#options, place, access);
      previous = entry.digest;
      return entry;
    });
  }

  async #append(group: readonly Waiting[], entries: readonly AuditCommitEntry[]): Promise<void> {
    const { rows, settled } = this.#options;
    try {
      await rows.append(
        group.map(({ access }, position) => ({
          ...access,
          statementDigest: (entries[position] as AuditCommitEntry).digest,
        })),
      );
      settled('row');
      for (const { resolve } of group) resolve();
    } catch (cause) {
      settled('row', 'accesses to secrets cannot be put into secret_audit_logs, so secrets are refused');
      const message = 'the access is in the journal and could not be put into secret_audit_logs; try again';
      for (const { reject } of group) reject(new SecretError('AUDIT_UNAVAILABLE', message, { cause }));
    }
  }
}
