import { RequestError } from './errors.ts';
import type { Identity } from './ports.ts';

// Which roles open which door of the ledger, the policy adapter and the approvals. A role that begins with `platform-` acts for
// all tenants; every other one for the tenant of its token alone.

export type Role = 'approver' | 'auditor' | 'operator' | 'platform-auditor' | 'platform-operator';

export function requireRole({ principal }: Identity, roles: readonly Role[]): void {
  if (roles.some((role) => principal.roles.includes(role))) return;
  const wanted = roles.map((role) => `\`${role}\``).join(' or ');
  throw new RequestError('FORBIDDEN', `expected a token with the role ${wanted}`);
}

/** Which tenant's rows to read: the one asked for, or all of them (null) for whoever may. */
export function tenantToRead({ principal }: Identity, asked: string | undefined): string | null {
  const everywhere = principal.roles.includes('platform-auditor');
  if (asked === undefined) return everywhere ? null : principal.tenant;
  if (asked === principal.tenant || everywhere) return asked;
  throw otherTenant('platform-auditor');
}

/** Which tenant to change: one, always. */
export function tenantToChange({ principal }: Identity, asked: string | undefined): string {
  if (asked === undefined || asked === principal.tenant) return principal.tenant;
  if (principal.roles.includes('platform-operator')) return asked;
  throw otherTenant('platform-operator');
}

/** Whose tokens to revoke: for the platform, those of any tenant (null), unless it names one. */
export function tenantToRevokeIn(identity: Identity, asked: string | undefined): string | null {
  const anywhere = asked === undefined && identity.principal.roles.includes('platform-operator');
  return anywhere ? null : tenantToChange(identity, asked);
}

function otherTenant(role: Role): RequestError {
  return new RequestError(
    'FORBIDDEN',
    `expected the tenant of this token, or the role \`${role}\` for another`,
  );
}
