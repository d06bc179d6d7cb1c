import type { CedarValue } from './values.ts';

/** Cedar's `==`: values of different types differ. Neither side may hold an unrepresentable value. */
export function equalValues(a: CedarValue, b: CedarValue): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  if (a === b) return true;
  switch (a.kind) {
    case 'entity':
      return b.kind === 'entity' && a.key === b.key;
    case 'decimal':
    case 'datetime':
    case 'duration':
      return b.kind === a.kind && a.value === b.value;
    case 'ipaddr':
      return b.kind === 'ipaddr' && a.equals(b);
    case 'set':
      return b.kind === 'set' && a.equals(b);
    case 'record': {
      if (b.kind !== 'record' || a.fields.size !== b.fields.size) return false;
      for (const [name, value] of a.fields) {
        const other = b.fields.get(name);
        if (other === undefined || !equalValues(value, other)) return false;
      }
      return true;
    }
    case 'unrepresentable':
      return false;
  }
}

/**
 * A text that is equal exactly for equal values: strings carry their length, items of sets are sorted and
 * unique.
 */
export function valueKey(value: CedarValue): string {
  switch (typeof value) {
    case 'boolean':
      return value ? 't' : 'f';
    case 'string':
      return `s${value.length}:${value}`;
    case 'bigint':
      return `l${value};`;
    default:
      break;
  }
  switch (value.kind) {
    case 'entity':
      return `e${value.key.length}:${value.key}`;
    case 'decimal':
    case 'datetime':
    case 'duration':
      return `${value.kind} ${value.value};`;
    case 'ipaddr':
      return `ip${value.version} ${value.address}/${value.prefix};`;
    case 'set':
      return `[${[...value.keys()].sort().join('')}]`;
    case 'record': {
      const names = [...value.fields.keys()].sort();
      return `{${names.map((name) => valueKey(name) + valueKey(value.fields.get(name) ?? false)).join('')}}`;
    }
    case 'unrepresentable':
      return 'u';
  }
}
