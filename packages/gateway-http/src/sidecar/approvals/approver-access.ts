import type { Approver } from '@provability-fabric/policy';
import { RequestError } from '../../errors.ts';
import type { Identity } from '../../ports.ts';

/**
 * Whoever decides about held actions is a person: neither an agent, whose token acts in a session, nor the host that
 * runs agents. What the clause says of approvers comes on top of this, and is decided where it is recorded.
 */
export function approverOf({ principal, session, host }: Identity): Approver {
  if (!principal.roles.includes('approver') || session !== null || host) {
    const mend = 'an approver’s token has no `sid` and not the role `host`';
    throw new RequestError('FORBIDDEN', `expected a token with the role \`approver\`; ${mend}`);
  }
  return { id: principal.id, roles: principal.roles, tenant: principal.tenant };
}
