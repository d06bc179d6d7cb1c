import { EvidenceError } from '../errors.ts';

interface Waiter {
  readonly index: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: () => void;
  readonly reject: (error: EvidenceError) => void;
}

/** Who waits for the ledger to have an entry. */
export class WaitingForLedger {
  readonly #waiters = new Set<Waiter>();

  wait(index: number, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        index,
        resolve,
        reject,
        timer: setTimeout(() => {
          this.#waiters.delete(waiter);
          reject(notThere(`within ${timeoutMs} ms`));
        }, timeoutMs),
      };
      this.#waiters.add(waiter);
    });
  }

  /** The ledger has everything below `position`. */
  reached(position: number): void {
    for (const waiter of this.#waiters) if (waiter.index < position) this.#settle(waiter).resolve();
  }

  /** Nothing more will get there. */
  giveUp(problem: string): void {
    for (const waiter of this.#waiters) this.#settle(waiter).reject(notThere(problem));
  }

  #settle(waiter: Waiter): Waiter {
    this.#waiters.delete(waiter);
    clearTimeout(waiter.timer);
    return waiter;
  }
}

function notThere(problem: string): EvidenceError {
  return new EvidenceError('EVIDENCE_UNAVAILABLE', `the statement did not reach the ledger: ${problem}`);
}
