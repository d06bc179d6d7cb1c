import type { Digest } from '@provability-fabric/kernel';
import type { Proposal } from '../proposal.ts';
import { expiryOf } from './proposal-rules.ts';

/** What is counted and sorted without opening a file. */
export interface ProposalFile {
  readonly name: string;
  readonly hash: Digest;
  readonly at: number;
  readonly expires: number;
  /** As it was written: one whose time is up since is no longer open. */
  readonly open: boolean;
}

const NAME = /^([0-9]{15})-([0-9]{15})-([0-9a-f]{64})\.(open|ended)\.json$/;
const MOST = 999_999_999_999_999;

export function fileNameOf(proposal: Proposal): string {
  const end = proposal.status === 'open' ? 'open' : 'ended';
  return `${digits(proposal.at)}-${digits(expiryOf(proposal))}-${proposal.hash}.${end}.json`;
}

/** Undefined for what is no proposal, such as one that was not written to its end. */
function parseFileName(name: string): ProposalFile | undefined {
  const [, at, expires, hash, end] = NAME.exec(name) ?? [];
  if (hash === undefined) return undefined;
  return { name, hash: hash as Digest, at: Number(at), expires: Number(expires), open: end === 'open' };
}

/** One per proposal, newest first. Where a crash left two of one, it has ended. */
export function sortedFiles(names: readonly string[]): readonly ProposalFile[] {
  const found = new Map<Digest, ProposalFile>();
  for (const name of names) {
    const file = parseFileName(name);
    if (file !== undefined && found.get(file.hash)?.open !== false) found.set(file.hash, file);
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? 1 : -1));
}

function digits(ms: number): string {
  return `${Math.min(Math.max(Math.trunc(ms) || 0, 0), MOST)}`.padStart(15, '0');
}
