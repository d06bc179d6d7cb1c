/** Proposals of one tree that wait at most; the next is refused until some are decided, or their time is up. */
const MOST_OPEN_PROPOSALS = 1_000;
/** Of those that ended, the newest are kept. */
const MOST_ENDED_PROPOSALS = 1_000;
/** In one answer, whatever is asked for. */
export const MOST_LISTED_PROPOSALS = 200;
/** As text, with manifest, envelope and plan. */
export const MOST_PROPOSAL_BYTES = 4 * 1024 * 1024;

export interface ProposalBounds {
  readonly open: number;
  readonly ended: number;
}

export const PROPOSAL_BOUNDS: ProposalBounds = { open: MOST_OPEN_PROPOSALS, ended: MOST_ENDED_PROPOSALS };
