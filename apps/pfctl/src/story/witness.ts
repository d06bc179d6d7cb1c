import { canonicalJson, isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import type { Shown } from './shown-value.ts';

/** Members of witnesses that hold names of the bundle, labels and counts. In any other member may be a value. */
const NAMES = new Set(
  (
    'accepted_sources amount automaton_state bundle capability classes clauses counted declared demand epoch handle in_force ' +
    'max may_hold overdue_since parameter per permits_in_error permits_without_force policy results session ' +
    'session_belongs_to store stores target tenant ticket unit unresolved untrusted_results used version wanted window_ms'
  ).split(' '),
);

/** A witness as `name value` pairs; a value of the session's only as far as `shown` shows it. */
export function witnessWords(witness: JsonValue, shown: Shown): string {
  if (!isJsonObject(witness)) return witness === null ? '' : shown(witness);
  return Object.entries(witness)
    .map(([name, value]) => `${name} ${NAMES.has(name) ? plain(value) : shown(value)}`)
    .join('; ');
}

/** The same as JSON. */
export function witnessMembers(witness: JsonValue, hide: (value: JsonValue) => JsonValue): JsonValue {
  if (!isJsonObject(witness)) return witness === null ? null : hide(witness);
  return Object.fromEntries(
    Object.entries(witness).map(([name, value]) => [name, NAMES.has(name) ? value : hide(value)]),
  );
}

function plain(value: JsonValue): string {
  if (!Array.isArray(value)) return typeof value === 'string' ? value : canonicalJson(value);
  const items = (value as readonly JsonValue[]).map(plain);
  return items.length === 0 ? 'none' : items.join(', ');
}
