const KEPT_BYTES = 64 * 1024;

/** The first and the last 64 KiB of a stream of any length, and how long it was. */
export class BoundedOutput {
  #bytes = 0;
  readonly #head: Uint8Array[] = [];
  #headBytes = 0;
  #tail: Uint8Array[] = [];
  #tailBytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    const first = chunk.subarray(0, KEPT_BYTES - this.#headBytes);
    if (first.length > 0) {
      this.#head.push(Uint8Array.from(first));
      this.#headBytes += first.length;
    }
    // Copied: a small piece would keep the whole buffer that it was read into.
    const last = Uint8Array.from(chunk.subarray(first.length).subarray(-KEPT_BYTES));
    if (last.length === 0) return;
    this.#tail.push(last);
    this.#tailBytes += last.length;
    if (this.#tailBytes > 2 * KEPT_BYTES) this.#trim();
  }

  #trim(): void {
    const joined = Buffer.concat(this.#tail).subarray(-KEPT_BYTES);
    this.#tail = [Uint8Array.from(joined)];
    this.#tailBytes = joined.length;
  }

  /** UTF-8 with replacement characters; a line says how much was left out between. */
  text(): string {
    this.#trim();
    const head = Buffer.concat(this.#head);
    const tail = this.#tail[0] ?? new Uint8Array();
    const left = this.#bytes - head.length - tail.length;
    if (left === 0) return Buffer.concat([head, tail]).toString('utf8');
    return `${head.toString('utf8')}\n... ${left} bytes left out ...\n${Buffer.from(tail).toString('utf8')}`;
  }
}
