import { EXTRACT_TOOL, type LoadedBundle } from '@provability-fabric/policy';

/** What an agent is told of how its results are hidden. */
export interface HidingRules {
  /** The forms and sets that it may ask for; null where it may take out nothing. */
  readonly extraction: { readonly types: readonly string[]; readonly of: readonly string[] } | null;
}

/** undefined where the bundle hides nothing. */
export function hidingFor(
  { ir: { handles } }: LoadedBundle,
  mayEverCall: (tool: string) => boolean,
): HidingRules | undefined {
  if (handles === undefined) return undefined;
  const { extract } = handles;
  if (extract.length === 0 || !mayEverCall(EXTRACT_TOOL)) return { extraction: null };
  return {
    extraction: {
      types: [...new Set(extract.flatMap(({ types }) => types))].sort(),
      of: [...new Set(extract.flatMap(({ of }) => of))].sort(),
    },
  };
}
