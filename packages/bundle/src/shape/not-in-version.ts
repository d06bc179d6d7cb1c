// What CONTRACTS promise of bundles and this version does not do. Named, so that nobody believes a rule is
// in force.

const KEYS = new Set(['plan', 'invariants', 'flow', 'limits', 'budget', 'approver', 'restores']);

export function isLaterKey(key: string): boolean {
  return KEYS.has(key);
}

/** Values of these keys that are words of a later version. */
const VALUES: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['kind', new Set(['plan', 'invariant'])],
  ['approver', new Set(['user'])],
]);

export function isLaterValue(key: PropertyKey | undefined, value: unknown): boolean {
  return typeof key === 'string' && typeof value === 'string' && (VALUES.get(key)?.has(value) ?? false);
}
