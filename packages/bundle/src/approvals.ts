import { type ApprovalRule, isUnsatisfiable } from '@provability-fabric/policy';
import type { z } from 'zod';
import type { Compilation } from './compilation.ts';
import { parseDuration } from './duration.ts';
import type { approver } from './shape/approval-shape.ts';
import type { Path } from './yaml/located.ts';

/** Who has to approve, in one form: names ascending, each once. */
export function compileApproval(
  written: z.infer<typeof approver>,
  path: Path,
  clause: string,
  { locations, found }: Compilation,
): ApprovalRule {
  const { approvals, approvers, within } = written;
  const rule = {
    approvals,
    approvers: { roles: ascending(approvers.roles), ids: ascending(approvers.ids) },
    within_ms: parseDuration(within) ?? 0,
  };
  if (isUnsatisfiable(rule)) {
    found.error('APPROVERS_TOO_FEW', locations.value(...path, 'approvers'), {
      clause,
      message: `expected at least as many approvers as \`approvals\`, which are ${approvals}, came \`${rule.approvers.ids.length}\``,
      mend: 'name more of them, name a role, or ask for fewer approvals',
    });
  }
  return rule;
}

function ascending(names: readonly string[] = []): readonly string[] {
  return [...new Set(names)].sort();
}
