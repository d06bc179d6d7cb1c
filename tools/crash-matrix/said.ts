import type { Digest } from '@provability-fabric/kernel';

export interface Asked {
  readonly session: string;
  readonly requestId: string;
  readonly tool: string;
}

/** Everything that agents asked and were answered, over all restarts: what the evidence is held against. */
export class Said {
  readonly asked = new Map<Digest, Asked>();
  /** By certificate: the effect that the agent was told. */
  readonly answered = new Map<Digest, string>();
  /** Outcomes of which a 200 said that they are recorded. */
  readonly recorded = new Set<Digest>();
  /** Allowed by the fabric that runs now, and left without an outcome: only the next one calls them ambiguous. */
  readonly abandoned = new Set<Digest>();
  /** The same of the fabric before it. */
  leftBehind: readonly Digest[] = [];
  /** Refusals by code. */
  readonly refusals = new Map<string, number>();
  readonly problems: string[] = [];
  readonly #interrupted = new Set<Digest>();

  answer(certificate: Digest, effect: string): void {
    const before = this.answered.get(certificate);
    if (before !== undefined && before !== effect)
      this.problems.push(`answered ${before}, and when repeated ${effect}: ${certificate}`);
    this.answered.set(certificate, effect);
  }

  refused(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }

  /** Another fabric process is there. */
  restarted(): void {
    this.leftBehind = [...this.abandoned];
    this.abandoned.clear();
  }

  /** How many actions a crash met between the question and the record of an outcome; each is counted once. */
  interrupted(): number {
    let count = 0;
    for (const certificate of this.asked.keys()) {
      const effect = this.answered.get(certificate);
      const open = (effect === undefined || effect === 'allow') && !this.recorded.has(certificate);
      if (!open || this.#interrupted.has(certificate)) continue;
      this.#interrupted.add(certificate);
      count += 1;
    }
    return count;
  }
}
