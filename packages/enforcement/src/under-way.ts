import { EnforcementError } from './errors.ts';

/** Counts what was begun, for whoever has to wait until all of it is over. */
export class UnderWay {
  #count = 0;
  #ended = false;
  #drained: () => void = () => undefined;

  /** Rejects with CLOSED once everything is over. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#ended) throw closed();
    this.#count += 1;
    try {
      return await work();
    } finally {
      this.#count -= 1;
      if (this.#count === 0) this.#drained();
    }
  }

  /** Resolves once nothing is under way, and then lets nothing begin any more. */
  async end(): Promise<void> {
    if (this.#count > 0)
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    this.#ended = true;
  }
}

export function closed(): EnforcementError {
  return new EnforcementError('CLOSED', 'the fabric is shutting down; retry against a running one');
}
