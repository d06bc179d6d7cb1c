import { type GovernorCaller, GovernorError } from '@provability-fabric/governor';
import type { Identity } from '../ports.ts';

/** `proposer` is for agents: it plans, proposes, and sees what became of its own. */
export type GovernorRole = 'admin' | 'operator' | 'auditor' | 'proposer';

export const GOVERNOR_ROLES: readonly GovernorRole[] = ['admin', 'operator', 'auditor', 'proposer'];

export type GovernorOperation =
  | 'verify'
  | 'plan'
  | 'apply'
  | 'rollback'
  | 'audit'
  | 'status'
  | 'propose'
  | 'read-proposals'
  | 'approve'
  | 'kill';

/** The only place that says which role opens which door. */
const DOORS: Readonly<Record<GovernorOperation, readonly GovernorRole[]>> = {
  verify: ['admin', 'operator'],
  plan: ['admin', 'operator', 'proposer'],
  apply: ['admin', 'operator'],
  rollback: ['admin'],
  audit: ['admin', 'operator', 'auditor'],
  status: ['admin', 'operator', 'proposer'],
  propose: ['admin', 'operator', 'proposer'],
  'read-proposals': ['admin', 'operator', 'proposer'],
  // What it leads to is an apply.
  approve: ['admin', 'operator'],
  kill: ['admin'],
};

/** Proposals hold the text of changes, so an agent reads none but its own. */
const READS_ALL_PROPOSALS: readonly GovernorRole[] = ['admin', 'operator'];

/** What a token has proved: of a request as of a stream. */
interface Asking {
  readonly identity: Identity;
}

/** The caller, once the token's role opens the door and its tenant is the governor's. Throws GOVERNOR_FORBIDDEN. */
export function admitCaller(
  { identity: { principal } }: Asking,
  operation: GovernorOperation,
  tenant: string,
  actor: 'api' | 'mcp' = 'api',
): GovernorCaller {
  if (principal.tenant !== tenant)
    throw new GovernorError('GOVERNOR_FORBIDDEN', 'expected a token of the tenant that this governor is of');
  const doors = DOORS[operation];
  if (!hasOne(principal.roles, doors)) {
    const wanted = doors.map((role) => `\`${role}\``).join(' or ');
    throw new GovernorError('GOVERNOR_FORBIDDEN', `expected a token with the role ${wanted}`);
  }
  return { principal: principal.id, actor };
}

/** Whose proposals the caller may read; null: everybody's. */
export function proposerToRead({ identity: { principal } }: Asking): string | null {
  return hasOne(principal.roles, READS_ALL_PROPOSALS) ? null : principal.id;
}

function hasOne(held: readonly string[], wanted: readonly GovernorRole[]): boolean {
  return wanted.some((role) => held.includes(role));
}
