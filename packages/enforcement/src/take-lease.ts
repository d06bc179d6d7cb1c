import { EnforcementError } from './errors.ts';
import type { Leases, Observer } from './ports.ts';

export interface LeaseTools {
  readonly leases: Leases;
  readonly observer: Pick<Observer, 'unavailable'>;
}

/** Makes this fabric the session's owner; the fence of it. Throws SESSION_ELSEWHERE, or EVIDENCE_UNAVAILABLE. */
export async function takeLease(
  { leases, observer }: LeaseTools,
  tenant: string,
  session: string,
): Promise<number> {
  const lease = await asEvidence(observer, tenant, session, () => leases.acquire(tenant, session));
  if (lease.ok) return lease.fence;
  const problem =
    lease.reason === 'held'
      ? 'belongs to another fabric; ask there'
      : 'belongs to a fabric that is gone with a part of its record; start that one again, or declare the session lost';
  const { address } = lease;
  throw new EnforcementError('SESSION_ELSEWHERE', `session \`${session}\` ${problem}`, { address });
}

/** Whose a session is and where it ends is evidence too: where it cannot be had, nothing is decided. */
export async function asEvidence<T>(
  observer: Pick<Observer, 'unavailable'>,
  tenant: string,
  session: string,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    observer.unavailable({ tenant, session, cause });
    if (cause instanceof EnforcementError) throw cause;
    const problem = `who session \`${session}\` belongs to and where it ends could not be had; retry later`;
    throw new EnforcementError('EVIDENCE_UNAVAILABLE', problem, { cause });
  }
}
