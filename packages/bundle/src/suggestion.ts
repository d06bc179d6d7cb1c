import { nearestName } from '@provability-fabric/kernel';

/** Mend for a name that is not there: the nearest one that is, otherwise `fallback`. */
export function didYouMean(word: string, candidates: Iterable<string>, fallback: string): string {
  const near = nearestName(word, candidates);
  return near === undefined ? fallback : `did you mean \`${near}\`? otherwise ${fallback}`;
}
