/** What does not hold. */
export type FindingCode =
  // The signed note, or what is stored beside it.
  | 'CHECKPOINT'
  // The entries do not lead to the root that was signed.
  | 'ROOT'
  // The log is not the continuation of a checkpoint that was kept.
  | 'SINCE'
  | 'STATEMENT'
  | 'TILE'
  | 'SESSION'
  | 'WRITER'
  | 'HEAD';

export interface Finding {
  readonly code: FindingCode;
  /** What it is about, such as `entry 17` or `tile 0/3`. */
  readonly where: string;
  readonly message: string;
}

/** Whoever can write to the database decides how much is wrong with it: what is kept of that is bounded. */
const MOST_KEPT = 1_000;

export class Findings {
  readonly kept: Finding[] = [];
  readonly #known = new Set<string>();
  #count = 0;

  /** How many there are, those that were not kept included. */
  get count(): number {
    return this.#count;
  }

  add(code: FindingCode, where: string, message: string): void {
    this.#count++;
    if (this.kept.length < MOST_KEPT) this.kept.push({ code, where, message });
  }

  /** The first about a place: a tile that is wrong is often wrong in all its hashes. */
  addOnce(code: FindingCode, where: string, message: string): void {
    const name = `${code} ${where}`;
    if (this.#known.has(name) || this.#known.size === MOST_KEPT) return;
    this.#known.add(name);
    this.add(code, where, message);
  }
}
