import type { LogEntry } from '../ports.ts';

/** The newest entries of the log, without a gap, as far as they fit: what is shipped at once needs no reading. */
export class FreshEntries {
  readonly #mostBytes: number;
  #entries: LogEntry[] = [];
  #first = 0;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  add(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += sizeOf(entry);
    }
    while (this.#bytes > this.#mostBytes && this.#first < this.#entries.length) this.#dropFirst();
  }

  /** The entries from `from` on; undefined where they have to be read from the journal. */
  take(from: number, limit: { readonly entries: number; readonly bytes: number }): LogEntry[] | undefined {
    const first = this.#entries[this.#first];
    if (first === undefined || from < first.index) return undefined;
    const taken: LogEntry[] = [];
    let bytes = 0;
    for (let at = this.#first + from - first.index; at < this.#entries.length; at++) {
      const entry = this.#entries[at] as LogEntry;
      bytes += sizeOf(entry);
      if (taken.length === limit.entries || (taken.length > 0 && bytes > limit.bytes)) break;
      taken.push(entry);
    }
    return taken;
  }

  dropBefore(index: number): void {
    while ((this.#entries[this.#first]?.index ?? index) < index) this.#dropFirst();
  }

  #dropFirst(): void {
    this.#bytes -= sizeOf(this.#entries[this.#first] as LogEntry);
    this.#first++;
    // Cutting the list at every entry would copy it at every entry.
    if (this.#first < 1024 && this.#first < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }
}

function sizeOf({ envelope, sealedRecord }: LogEntry): number {
  return envelope.length + sealedRecord.length;
}
