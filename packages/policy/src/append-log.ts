/**
 * A persistent list with amortised O(1) append: versions share one backing array, and a version only appends in place
 * while it is the newest. Observably immutable, so `step` stays pure without copying a session's history each time.
 */
export interface AppendLog<T> {
  readonly length: number;
  /** Shared: read indexes below `length` only. */
  readonly items: readonly T[];
}

export function emptyLog<T>(): AppendLog<T> {
  return { length: 0, items: [] };
}

export function append<T>(log: AppendLog<T>, item: T): AppendLog<T> {
  const newest = log.items.length === log.length;
  const items = (newest ? log.items : log.items.slice(0, log.length)) as T[];
  items.push(item);
  return { length: log.length + 1, items };
}
