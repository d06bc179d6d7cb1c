import type { Principal } from '@provability-fabric/policy';
import { isRecordSession, RECORD_SESSION_PREFIXES } from '@provability-fabric/statements';
import type { EnforcerOptions } from './enforcer.ts';
import { EnforcementError } from './errors.ts';
import type { KeptSessions } from './kept-sessions.ts';
import type { OwnSessions } from './own-sessions.ts';
import type { Session } from './session.ts';

export interface FindingTools
  extends Pick<EnforcerOptions, 'clock' | 'sessionIdleMs' | 'journal' | 'archive' | 'leases'> {
  readonly sessions: KeptSessions;
  readonly own: OwnSessions;
}

/** The session of that name; without one the principal's running one, or a new one once that has been idle. */
export async function sessionFor(
  { sessions, own, clock, sessionIdleMs }: FindingTools,
  principal: Principal,
  sid: string | null,
): Promise<Session> {
  const { tenant } = principal;
  if (sid !== null) return sessions.load(tenant, sid);
  const name = own.nameOf(principal);
  await own.acquire(tenant, name);
  const now = clock.now();
  const current = own.current(tenant, name);
  if (current !== undefined) {
    const session = await sessions.load(tenant, current).catch(ignoreCorrupt);
    if (session !== undefined && now - session.state.time <= sessionIdleMs) return session;
  }
  return sessions.load(tenant, own.begin(tenant, name, now));
}

/** undefined for one that never was: asking for it must not begin it. */
export async function existingSession(
  { sessions, journal, archive, leases }: FindingTools,
  tenant: string,
  id: string,
): Promise<Session | undefined> {
  const known =
    sessions.has(tenant, id) ||
    journal.head(tenant, id) !== undefined ||
    (leases !== undefined && (await archive?.find(tenant, id)) !== undefined);
  return known ? sessions.load(tenant, id) : undefined;
}

/**
 * Throws SESSION_RESERVED for a name that accesses to secrets or governed changes are recorded under: an agent in such a
 * session could write statements among them, and what is recorded there would be folded by `step`.
 */
export function requireAgentSession(session: string): void {
  if (!isRecordSession(session)) return;
  throw new EnforcementError(
    'SESSION_RESERVED',
    `expected a session whose name does not begin with ${RESERVED}: accesses to secrets and governed changes are ` +
      'recorded under such names; give the session another one',
  );
}

const RESERVED = RECORD_SESSION_PREFIXES.map((prefix) => `\`${prefix}\``).join(' or ');

/** A session whose records were erased is over; its principal goes on in a new one. */
function ignoreCorrupt(error: unknown): undefined {
  if (error instanceof EnforcementError && error.code === 'SESSION_CORRUPT') return undefined;
  throw error;
}
