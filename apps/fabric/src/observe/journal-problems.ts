import type { EvidenceEvent } from '@provability-fabric/evidence';

/** Whether evidence can be made durable right now, as the journal's own events and the last decision tell. */
export class JournalProblems {
  #broken = false;
  #refused = false;

  get any(): boolean {
    return this.#broken || this.#refused;
  }

  /** The ledger and this log contradict each other. */
  get refused(): boolean {
    return this.#refused;
  }

  get broken(): boolean {
    return this.#broken;
  }

  heard(event: EvidenceEvent): void {
    if (event === 'journal_write_failed' || event === 'journal_poisoned') this.#broken = true;
    if (event === 'journal_recovered') this.#broken = false;
    if (event === 'ledger_refused') this.#refused = true;
  }

  /** A decision was made durable, or could not be. */
  decided(durable: boolean): void {
    this.#broken = !durable;
  }
}
