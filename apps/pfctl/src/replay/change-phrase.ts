import { canonicalJson, type JsonValue } from '@provability-fabric/kernel';
import type { Change, Found } from '@provability-fabric/policy';

/** What would have to be otherwise, as something that can be done. `shown` says a value as far as it may be shown. */
export function changePhrase(change: Change, shown: (value: JsonValue) => string = canonicalJson): string {
  switch (change.kind) {
    case 'clause in monitor':
      return `clause ${change.clause} in monitor`;
    case 'default deny in monitor':
      return 'default_mode monitor';
    case 'value in a set':
      return `the value at ${change.parameter} (${shown(change.value)}) in the set ${change.set}`;
    case 'value in the prompt':
      return `the value at ${change.parameter} (${shown(change.value)}) in the trusted prompt`;
    case 'role held':
      return `the role ${change.role} held by the agent`;
    case 'action not done before':
      return `#${change.place} ${change.target} not done before`;
  }
}

/** A set of changes a line; and what is known of smaller ones. */
export function foundLines(
  { sets, proof, searched }: Found,
  phrase: (change: Change) => string,
): readonly string[] {
  const lines = sets.map((set) => set.map(phrase).join(' and '));
  if (proof === 'smallest') return lines;
  if (proof === 'none') return [...lines, 'no such change'];
  const upTo = searched === 0 ? 'not every single change' : `every set of up to ${searched}`;
  const more = sets.length === 0 ? 'none found' : 'a smaller set may do';
  return [...lines, `(${more}: the search ended at its bound, ${upTo} was played)`];
}
