import { valueKey } from './equality.ts';
import { type CedarValue, flawOf, type Unrepresentable, unrepresentable } from './values.ts';

// Below this many items comparing one by one beats building an index.
const SMALL = 8;

/** Order and repetition of items do not count. */
export class CedarSet {
  readonly kind = 'set';
  private index: ReadonlySet<string> | undefined;

  /** Use `cedarSet`, which refuses items that cannot be represented. */
  constructor(readonly items: readonly CedarValue[]) {}

  has(value: CedarValue): boolean {
    // Whoever sends the arguments chooses how large sets are: beyond a few items membership is by key, so
    // that `a.containsAll(b)` stays linear, and composite items always are, so that nesting cannot multiply
    // comparisons.
    if (typeof value !== 'object' && this.items.length <= SMALL) return this.items.includes(value);
    return this.keys().has(valueKey(value));
  }

  hasAll(other: CedarSet): boolean {
    return other.items.every((item) => this.has(item));
  }

  hasAny(other: CedarSet): boolean {
    return other.items.some((item) => this.has(item));
  }

  equals(other: CedarSet): boolean {
    return this.hasAll(other) && other.hasAll(this);
  }

  keys(): ReadonlySet<string> {
    this.index ??= new Set(this.items.map(valueKey));
    return this.index;
  }
}

export function cedarSet(items: readonly CedarValue[]): CedarSet | Unrepresentable {
  for (const item of items) {
    const flaw = flawOf(item);
    if (flaw) return unrepresentable(`a set with an item that cannot be represented: ${flaw.reason}`);
  }
  return new CedarSet(items);
}
