import type { SecretValue } from '../value.ts';
import type { FieldChange } from './secrets.ts';

/** Which fields differ; neither value, nor its length, nor a digest of it: a short secret could be guessed from one. */
export function compareValues(from: SecretValue, to: SecretValue): readonly FieldChange[] {
  const fields = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  return fields.flatMap((field): readonly FieldChange[] => {
    const [before, after] = [own(from, field), own(to, field)];
    if (before === after) return [];
    if (before === undefined) return [{ field, change: 'added' }];
    return [{ field, change: after === undefined ? 'removed' : 'modified' }];
  });
}

/** Fields may be called `constructor`. */
function own(value: SecretValue, field: string): string | undefined {
  return Object.hasOwn(value, field) ? value[field] : undefined;
}
