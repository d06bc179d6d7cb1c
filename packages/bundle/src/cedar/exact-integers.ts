import type { PolicySource } from './tokens.ts';

/**
 * cedar-wasm hands policies over as JSON that JavaScript reads into doubles, and so rounds integers beyond
 * 2^53. Each such literal is therefore replaced, before parsing, by a small number of its own that stands
 * nowhere else in the policy, and put back afterwards. Every stand-in must come back exactly once; otherwise
 * the policy is refused.
 */
export class ExactIntegers {
  /** The policy's text, without integers that would be rounded. */
  readonly text: string;
  private readonly originals = new Map<number, bigint>();
  private readonly seen = new Set<number>();

  constructor(policy: PolicySource) {
    const literals = policy.tokens.filter(({ kind }) => kind === 'integer');
    const taken = new Set(literals.map(({ text }) => BigInt(text)));
    let standIn = Number.MAX_SAFE_INTEGER;
    let text = '';
    let from = policy.start;
    for (const literal of literals) {
      const value = BigInt(literal.text);
      if (value <= BigInt(Number.MAX_SAFE_INTEGER)) continue;
      while (taken.has(BigInt(standIn))) standIn--;
      this.originals.set(standIn, value);
      text += policy.text.slice(from - policy.start, literal.start - policy.start) + String(standIn);
      from = literal.end;
      standIn--;
    }
    this.text = text + policy.text.slice(from - policy.start);
  }

  /** The digits of an integer read from the JSON form; undefined if they cannot be known. */
  restore(value: number): string | undefined {
    const original = this.originals.get(Math.abs(value));
    if (original === undefined) return Number.isSafeInteger(value) ? BigInt(value).toString() : undefined;
    if (this.seen.has(Math.abs(value))) return undefined;
    this.seen.add(Math.abs(value));
    return (value < 0 ? -original : original).toString();
  }

  get complete(): boolean {
    return this.seen.size === this.originals.size;
  }
}
