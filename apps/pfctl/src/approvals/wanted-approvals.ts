import { plural } from '@provability-fabric/command-line';
import { formatDuration } from '@provability-fabric/configuration';
import { field, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { orList } from '../explain/event-class.ts';

/** Of one clause that holds: how many have to approve, who may, and how long that is good for. */
export function wantedApprovals(held: JsonObject): readonly string[] {
  return approversOf(held).map((rule) => {
    const who = [
      ...texts(rule, 'ids'),
      ...texts(rule, 'roles').map((role) => `anybody with the role ${role}`),
    ];
    const within = field(rule, 'within_ms');
    const good = typeof within === 'number' ? `, good for ${formatDuration(within)}` : '';
    const out = who.length === 0 ? '' : ` of ${orList(who)}`;
    return `${plural(countOf(rule), 'approval')}${out}${good}`;
  });
}

/** How far it has got. Who counts for which of several clauses is the fabric's to say. */
export function progressOf(held: JsonObject): string {
  const given = texts(held, 'approved_by');
  const [only, ...others] = approversOf(held).map(countOf);
  if (only === undefined || others.length > 0) return `approved by ${given.join(', ') || 'nobody'} so far`;
  const missing = Math.max(0, only - given.length);
  if (missing === 0) return `${given.length} of ${only}`;
  return `${given.length} of ${only}, ${missing === 1 ? 'one more person is' : `${missing} more people are`} needed`;
}

export function texts(one: JsonValue | undefined, key: string): readonly string[] {
  const value = field(one, key);
  return Array.isArray(value) ? value.map(String) : [];
}

function approversOf(held: JsonObject): readonly JsonValue[] {
  const rules = field(held, 'approvers');
  return Array.isArray(rules) ? (rules as readonly JsonValue[]) : [];
}

function countOf(rule: JsonValue): number {
  const count = field(rule, 'approvals');
  return typeof count === 'number' ? count : 1;
}
