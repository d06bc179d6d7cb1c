import type { Digest } from '@provability-fabric/kernel';
import { OPEN_MS, parseInstant } from '@provability-fabric/policy';
import type { Statement } from '@provability-fabric/statements';

/** What somebody said about a ticket in its last hour holds for as long again at most. */
const LONGEST_MS = 2 * OPEN_MS;

/** Which tickets a session's statements leave open, without folding it: what is looked for is sessions worth that. */
export class OpenTickets {
  readonly #now: number;
  readonly #bundle: Digest;
  readonly #open = new Set<string>();

  constructor(now: number, bundle: Digest) {
    this.#now = now;
    this.#bundle = bundle;
  }

  take(statement: Statement): void {
    if (statement.type === 'session-record') {
      // Tickets are bound to bundle and epoch.
      if (statement.kind === 'bundle' || statement.kind === 'epoch') this.#open.clear();
    } else if (statement.type === 'permission-certificate' && statement.approval !== null) {
      const isRecent = this.#now - (parseInstant(statement.issued_at) ?? 0) <= LONGEST_MS;
      const isCurrent = isRecent && statement.bundle.digest === this.#bundle;
      if (statement.effect === 'hold' && isCurrent) this.#open.add(statement.approval);
      else this.#open.delete(statement.approval);
    }
  }

  get any(): boolean {
    return this.#open.size > 0;
  }
}
