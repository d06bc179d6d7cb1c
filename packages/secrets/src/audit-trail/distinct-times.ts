import type { SecretAccess } from '../audit.ts';

/** Of changes under way at once, and a little while after. */
const MOST = 4096;

/**
 * A change is on record several times under one id, and the table knows a row by its id and millisecond: no two of them
 * may share one, or the second would be taken for a repeat of the first.
 */
export class DistinctTimes {
  /** Of each change that has begun, when it was last on record; the oldest first. */
  readonly #last = new Map<string, number>();

  /** The access, at a time that none before it under this id has. */
  of(access: SecretAccess): SecretAccess {
    const { id, result } = access;
    const last = this.#last.get(id);
    if (last === undefined && result !== 'STARTED') return access;
    const at = Math.max(access.at, (last ?? -1) + 1);
    this.#last.delete(id);
    this.#last.set(id, at);
    const [oldest] = this.#last.keys();
    if (this.#last.size > MOST && oldest !== undefined) this.#last.delete(oldest);
    return { ...access, at };
  }
}
