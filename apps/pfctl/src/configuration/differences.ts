import type { EffectiveValue } from '@provability-fabric/configuration';

export interface Difference {
  readonly key: string;
  readonly where: EffectiveValue['where'];
  /** As one would write it; null: not set, or not there at all. */
  readonly baseline: string | null;
  readonly now: string | null;
}

/** By digest, since what may be a secret is not in the text. */
export function differences(
  baseline: readonly EffectiveValue[],
  now: readonly EffectiveValue[],
): readonly Difference[] {
  const before = new Map(baseline.map((value) => [value.key, value]));
  const after = new Map(now.map((value) => [value.key, value]));
  const gone = baseline.filter(({ key }) => !after.has(key));
  return [...now, ...gone]
    .filter(({ key }) => before.get(key)?.digest !== after.get(key)?.digest)
    .map(({ key, where }) => ({
      key,
      where,
      baseline: before.get(key)?.value ?? null,
      now: after.get(key)?.value ?? null,
    }));
}
