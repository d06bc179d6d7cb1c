import { flowsTo, type Label } from '@provability-fabric/kernel';
import { leavesOf, type PastResult } from './past-results.ts';

/** The parts of a result that carry more than the session held before it was read. */
export interface RaisedBy {
  /** Pointers from the payload of the result; the first few. */
  readonly fields: readonly string[];
  /** How many there are. */
  readonly count: number;
}

const MAX_FIELDS = 3;

export function raisedBy(before: Label, past: PastResult): RaisedBy {
  const raising = leavesOf(past).filter(({ label }) => !flowsTo(label, before));
  const values = raising.filter(({ isName }) => !isName);
  const fields = [...new Set((values.length > 0 ? values : raising).map(({ pointer }) => pointer))];
  return { fields: fields.slice(0, MAX_FIELDS), count: fields.length };
}
