import { GovernorError } from '../errors.ts';
import type { Proposal, ProposalStatus } from '../proposal.ts';

/** When its manifest may no longer be applied; 0 where that is no time, so that it never may be. */
export function expiryOf({ manifest }: Proposal): number {
  return Date.parse(manifest.expires_at) || 0;
}

/** What a proposal is at this moment: time ends an open one without anybody writing that down. */
export function proposalAsSeen(proposal: Proposal, now: number): Proposal {
  if (proposal.status !== 'open' || now < expiryOf(proposal)) return proposal;
  return { ...proposal, status: 'expired', outcome: `expired at ${proposal.manifest.expires_at}` };
}

/** Whether `next` may take the place of what is stored, as that is seen now. */
export function mayReplace(seen: Proposal, next: Proposal, expected: ProposalStatus): boolean {
  const kept = new Set(signaturesOf(next));
  return (
    seen.hash === next.hash &&
    seen.status === expected &&
    // Of two who sign at once, the second would otherwise take the first one's signature away.
    signaturesOf(seen).every((signature) => kept.has(signature))
  );
}

function signaturesOf({ envelope }: Proposal): readonly string[] {
  return envelope === null ? [] : envelope.signatures.map(({ keyid, sig }) => `${keyid}\0${sig}`);
}

export function proposalsFull(most: number): GovernorError {
  return new GovernorError(
    'PROPOSALS_FULL',
    `expected fewer than ${most} open proposals, there are as many; decide some, or wait until they expire`,
  );
}
