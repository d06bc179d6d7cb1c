import type { JsonValue } from '@provability-fabric/kernel';

// Who approves is written one level deeper than most people guess; the mend shows the whole of it.

const NAME = /^[A-Za-z0-9_.@-]{1,40}$/;
const KEYS = new Set(['approvals', 'approvers', 'within']);

/** For a value that says who approves, and is not the map that it has to be. */
export function approverMend(key: PropertyKey | undefined, came: JsonValue): string | undefined {
  if (key !== 'approver' && key !== 'approvers') return undefined;
  if (typeof came !== 'string' && !Array.isArray(came)) return undefined;
  return `write ${key === 'approver' ? inApprover(came) : inApprovers(came)}`;
}

/** For a key that belongs one level deeper, or into `approver`. */
export function misplacedApproverMend(
  parent: PropertyKey | undefined,
  key: string,
  known: readonly string[],
  came: JsonValue | undefined,
): string | undefined {
  if (parent === 'approver' && (key === 'roles' || key === 'ids'))
    return `write \`approver: { approvers: { ${key}: ${listOf(came)} } }\``;
  if (!KEYS.has(key) || !known.includes('approver')) return undefined;
  return key === 'approvers'
    ? 'write `approver: { approvers: { roles: [NAME] } }`'
    : `write it in \`approver: { ${key}: …, approvers: { roles: [NAME] } }\``;
}

function inApprover(came: JsonValue): string {
  return `\`approver: { approvers: { roles: ${listOf(came)} } }\``;
}

function inApprovers(came: JsonValue): string {
  return `\`approvers: { roles: ${listOf(came)} }\``;
}

/** What was written, where it can stand in a message as it is. */
function listOf(came: JsonValue | undefined): string {
  const names: readonly JsonValue[] = Array.isArray(came) ? (came as readonly JsonValue[]) : [came ?? ''];
  const plain = names.length > 0 && names.length <= 3;
  if (!plain || !names.every((name) => typeof name === 'string' && NAME.test(name))) return '[NAME]';
  return `[${names.join(', ')}]`;
}
