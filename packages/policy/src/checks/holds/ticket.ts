import { type Digest, digestJson } from '@provability-fabric/kernel';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Event, SessionFacts } from '../check.ts';

/**
 * The name of a held call: everything that an approval is bound to (CONTRACTS §4), so that the same call has the same
 * ticket whenever it is repeated, and another call, bundle or epoch has another one.
 */
export function ticketOf(
  { crypto, digest }: Pick<LoadedBundle, 'crypto' | 'digest'>,
  { tenant, session, epoch }: Pick<SessionFacts, 'tenant' | 'session' | 'epoch'>,
  { intent: { principal, action } }: Pick<Event, 'intent'>,
  argsDigest: Digest,
): string {
  const binding = {
    tenant,
    session,
    principal: principal.id,
    kind: action.kind,
    target: action.target,
    args: argsDigest,
    bundle: digest,
    epoch,
  };
  // 128 bits: a second call with the same ticket would have to be searched for.
  return digestJson(crypto, binding).slice(0, TICKET_LENGTH);
}

const TICKET_LENGTH = 32;
