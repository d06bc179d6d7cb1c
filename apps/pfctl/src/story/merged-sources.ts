import { formatLabel } from '@provability-fabric/kernel';
import type { ValueSource } from '@provability-fabric/policy';

type ResultSource = Extract<ValueSource, { kind: 'result' }>;

/** A text that a result gives twice, as text and as content, is one find in several places. */
export function merged(sources: readonly ValueSource[]): readonly ValueSource[] {
  const kept: ValueSource[] = [];
  for (const source of sources) {
    const isSame = (one: ValueSource): one is ResultSource =>
      source.kind === 'result' &&
      one.kind === 'result' &&
      one.place === source.place &&
      one.how === source.how &&
      formatLabel(one.label) === formatLabel(source.label);
    const at = kept.findIndex(isSame);
    const one = kept[at];
    if (source.kind !== 'result' || one === undefined || one.kind !== 'result') kept.push(source);
    else kept[at] = { ...one, field: `${one.field || 'its top'} and ${source.field || 'its top'}` };
  }
  return kept;
}
