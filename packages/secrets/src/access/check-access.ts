import { SecretError } from '../errors.ts';
import { ACCESS, PLATFORM_ROLE } from './access-table.ts';
import type { SecretOperation } from './operations.ts';

/** What a token proves about who asks. */
export interface Claimant {
  readonly tenant: string | null;
  readonly principal: string;
  readonly roles: readonly string[];
}

/**
 * Throws SECRET_FORBIDDEN unless a role of the caller allows the operation in the tenant. Roles come from the token alone:
 * nothing is read from how a principal is called. Another tenant's secrets are refused before anybody looks for them.
 */
export function checkAccess(caller: Claimant, operation: SecretOperation, tenant: string): void {
  if (caller.principal === '') throw forbidden('a principal', operation);
  if (caller.roles.includes(PLATFORM_ROLE)) return;
  if (caller.tenant === null || caller.tenant !== tenant)
    throw forbidden('the tenant of the token, or a platform role', operation);
  const allowed: readonly string[] = Object.hasOwn(ACCESS, operation) ? ACCESS[operation] : [];
  if (!caller.roles.some((role) => allowed.includes(role)))
    throw forbidden(`one of the roles ${allowed.map((role) => `\`${role}\``).join(', ')}`, operation);
}

function forbidden(expected: string, operation: SecretOperation): SecretError {
  return new SecretError('SECRET_FORBIDDEN', `expected ${expected} to \`${operation}\``);
}
