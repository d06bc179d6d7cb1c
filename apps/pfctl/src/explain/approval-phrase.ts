import { formatDuration } from '@provability-fabric/configuration';
import type { ApprovalRule } from '@provability-fabric/policy';
import { orList } from './event-class.ts';

/** Who has to approve a call, and how long that is good for. */
export function approvalPhrase({ approvals, approvers: { ids, roles }, within_ms }: ApprovalRule): string {
  const who = orList([...ids, ...roles.map((role) => `anybody with the role ${role}`)]);
  const many = approvals === 1 ? '' : `${approvals} of `;
  return `${many}${who} approved it at most ${formatDuration(within_ms)} before`;
}
