import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import type { Reason } from '@provability-fabric/policy';
import { limitAmount } from '../explain/limit-sentence.ts';
import type { Shown } from './shown-value.ts';

/** Members of witnesses that hold names of the bundle, of people, labels and counts. In any other member may be a value. */
const NAMES = new Set(
  (
    'accepted_sources amount approved_by at attempts automaton_state bundle capability classes clauses counted declared demand ' +
    'denied_by epoch handle in_force max may_hold overdue_since parameter per permits_in_error permits_without_force policy ' +
    'problem result_of results session session_belongs_to store stores target tenant ticket tool type unit unresolved ' +
    'untrusted_results used version wanted window_ms'
  ).split(' '),
);

/** What an evaluation that failed says of itself may quote a value. */
function isName(name: string, { code }: Pick<Reason, 'code'>): boolean {
  return NAMES.has(name) && !(name === 'problem' && code === 'EVAL_ERROR');
}

/** A witness as `name value` pairs; a value of the session's only as far as `shown` shows it. */
export function witnessWords(
  reason: Pick<Reason, 'code' | 'witness'>,
  shown: Shown,
  hasHandles = false,
): string {
  const { code, witness } = reason;
  if (!isJsonObject(witness)) return witness === null ? '' : shown(witness);
  return Object.entries(asWritten(witness))
    .map(([name, value]) => {
      // A handle carries what it stands for beside what the session has read.
      const said = name === 'session' && code === 'LABEL_FLOW' && hasHandles ? 'session and handles' : name;
      return `${said} ${isName(name, reason) ? plain(name, value) : shown(value)}`;
    })
    .join('; ');
}

/** The same as JSON. */
export function witnessMembers(
  reason: Pick<Reason, 'code' | 'witness'>,
  hide: (value: JsonValue) => JsonValue,
): JsonValue {
  const { witness } = reason;
  if (!isJsonObject(witness)) return witness === null ? null : hide(witness);
  return Object.fromEntries(
    Object.entries(witness).map(([name, value]) => [name, isName(name, reason) ? value : hide(value)]),
  );
}

const AMOUNTS = ['used', 'amount', 'max'];

/** The amounts of a limit as its author wrote them: cost and epsilon are kept in micro-units. */
function asWritten(witness: JsonObject): JsonObject {
  const { unit, window_ms: window, ...rest } = witness;
  if (unit !== 'cost' && unit !== 'epsilon' && unit !== 'bytes') return witness;
  const amounts = AMOUNTS.map((name) => {
    const amount = witness[name];
    if (typeof amount === 'number') return [name, limitAmount({ unit }, amount)];
    return [name, name === 'amount' ? 'cannot be told' : 'not asked for'];
  });
  const spans = window === null || window === undefined ? [] : [['window_ms', window]];
  return { ...rest, ...Object.fromEntries([...amounts, ...spans]), unit };
}

function plain(name: string, value: JsonValue): string {
  // Where something stands in the arguments.
  if (name === 'at' && Array.isArray(value))
    return value.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  if (!Array.isArray(value)) return typeof value === 'string' ? value : canonicalJson(value);
  const items = (value as readonly JsonValue[]).map((item) => plain('', item));
  return items.length === 0 ? 'none' : items.join(', ');
}
