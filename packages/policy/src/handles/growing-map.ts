/**
 * A persistent map that is only added to, with O(1) additions: versions share one map, and each sees what had been added
 * by its time. Observably immutable, so `step` stays pure without copying all handles of a session each time.
 */
export interface GrowingMap<T> {
  readonly size: number;
  /** Shared: of use through `found` only. */
  readonly all: ReadonlyMap<string, { readonly at: number; readonly value: T }>;
}

export function emptyMap<T>(): GrowingMap<T> {
  return { size: 0, all: new Map() };
}

export function found<T>({ size, all }: GrowingMap<T>, key: string): T | undefined {
  const entry = all.get(key);
  return entry !== undefined && entry.at < size ? entry.value : undefined;
}

/** With entries whose keys are not in it yet. */
export function extended<T>(map: GrowingMap<T>, entries: readonly (readonly [string, T])[]): GrowingMap<T> {
  if (entries.length === 0) return map;
  const isNewest = map.all.size === map.size;
  const all = (isNewest ? map.all : new Map([...map.all].filter(([, { at }]) => at < map.size))) as Map<
    string,
    { at: number; value: T }
  >;
  let { size } = map;
  for (const [key, value] of entries) {
    all.set(key, { at: size, value });
    size += 1;
  }
  return { size, all };
}
