const SMALLEST = 64;

/**
 * Which certificates a session has, in 16 to 32 bytes each: whatever is known of one beyond that is read back from the
 * journal. It compares 64 bits of the id: what it says is there still has to be found, what it says is not there is not.
 */
export class CertificateIndex {
  /** Two words a slot, each one part of the id's hash, both zero where the slot is free. */
  #slots = new Uint32Array(2 * SMALLEST);
  #count = 0;

  add(certificate: string): void {
    if (4 * (this.#count + 1) > this.#slots.length) this.#grow();
    const [high, low] = wordsOf(certificate);
    const at = this.#find(high, low);
    if (this.#isFree(at)) this.#count += 1;
    this.#slots[at] = high;
    this.#slots[at + 1] = low;
  }

  mayHave(certificate: string): boolean {
    const [high, low] = wordsOf(certificate);
    return !this.#isFree(this.#find(high, low));
  }

  #isFree(at: number): boolean {
    return this.#slots[at] === 0 && this.#slots[at + 1] === 0;
  }

  /** The slot that holds the words, or the free one where they belong. */
  #find(high: number, low: number): number {
    const mask = this.#slots.length - 1;
    let at = (low << 1) & mask;
    while (!this.#isFree(at) && (this.#slots[at] !== high || this.#slots[at + 1] !== low))
      at = (at + 2) & mask;
    return at;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(2 * old.length);
    for (let at = 0; at < old.length; at += 2) {
      const [high, low] = [old[at] as number, old[at + 1] as number];
      if (high === 0 && low === 0) continue;
      const free = this.#find(high, low);
      this.#slots[free] = high;
      this.#slots[free + 1] = low;
    }
  }
}

/** Ids are digests, so any of their bits serve. What is none, as an agent may send one, is in no session. */
function wordsOf(certificate: string): [number, number] {
  const high = Number.parseInt(certificate.slice(0, 8), 16) >>> 0;
  const low = Number.parseInt(certificate.slice(8, 16), 16) >>> 0;
  return high === 0 && low === 0 ? [0, 1] : [high, low];
}
