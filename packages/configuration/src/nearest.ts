import { nearestName } from '@provability-fabric/kernel';

/** The name that was probably meant: keys, words and environments are written in lower case, however they are typed. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  return nearestName(name.toLowerCase(), candidates);
}
