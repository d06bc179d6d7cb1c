import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Crypto, Digest } from '@provability-fabric/kernel';
import { hasSystemCode, syncFolder, writeSynced } from '../files/durable-files.ts';
import type { ProposalStore, TreeLock } from '../ports.ts';
import type { Proposal } from '../proposal.ts';
import {
  MOST_LISTED_PROPOSALS,
  MOST_PROPOSAL_BYTES,
  PROPOSAL_BOUNDS,
  type ProposalBounds,
} from './bounds.ts';
import { fileNameOf, type ProposalFile, sortedFiles } from './proposal-file-name.ts';
import { mayReplace, proposalAsSeen, proposalsFull } from './proposal-rules.ts';
import { decodeProposal, encodeProposal } from './proposal-text.ts';

export interface FileProposalsOptions {
  readonly crypto: Crypto;
  /** ms since 1970. */
  readonly now: () => number;
  /** Of this folder, among all processes that write into it. */
  readonly lock: TreeLock;
  readonly bounds?: ProposalBounds;
}

const { O_CREAT, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY } = constants;
/** A file that is listed and then replaced is looked for anew; nobody replaces one that often at that moment. */
const TRIES = 10;

/** One file per proposal, in a folder that only its owner sees. What is counted and sorted is in the names. */
export async function fileProposals(folder: string, options: FileProposalsOptions): Promise<ProposalStore> {
  const { crypto, now, lock, bounds = PROPOSAL_BOUNDS } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = async () => sortedFiles(await readdir(folder));
  const isOpen = (file: ProposalFile) => file.open && now() < file.expires;

  async function read({ name }: ProposalFile): Promise<Proposal | undefined> {
    const file = await open(join(folder, name), O_RDONLY | O_NOFOLLOW);
    try {
      if ((await file.stat()).size > MOST_PROPOSAL_BYTES) return undefined;
      const found = decodeProposal(crypto, await file.readFile('utf8'));
      return found && proposalAsSeen(found, now());
    } finally {
      await file.close();
    }
  }

  async function get(hash: Digest): Promise<Proposal | undefined> {
    for (let attempt = 1; ; attempt++) {
      const file = (await files()).find((one) => one.hash === hash);
      if (file === undefined) return undefined;
      try {
        return await read(file);
      } catch (error) {
        if (!hasSystemCode(error, 'ENOENT') || attempt === TRIES) throw error;
      }
    }
  }

  async function write(proposal: Proposal): Promise<void> {
    const name = fileNameOf(proposal);
    // One writer at a time has the lock: one name is enough, and what a crash leaves is written over.
    const temporary = join(folder, 'writing');
    await writeSynced(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600, encodeProposal(proposal));
    await rename(temporary, join(folder, name));
    await syncFolder(folder);
  }

  /** All files of a proposal but that one. */
  async function removeOthers(hash: Digest, kept: string): Promise<void> {
    for (const name of await readdir(folder))
      if (name !== kept && name.includes(hash)) await unlink(join(folder, name));
  }

  async function forgetEnded(): Promise<void> {
    const ended = (await files()).filter((file) => !isOpen(file));
    for (const { hash } of ended.slice(bounds.ended)) await removeOthers(hash, '');
  }

  return {
    get,

    add: (proposal) =>
      lock.withLock(async () => {
        const known = await files();
        if (known.some(({ hash }) => hash === proposal.hash)) return;
        if (known.filter(isOpen).length >= bounds.open) throw proposalsFull(bounds.open);
        await write(proposal);
        await forgetEnded();
      }),

    async list({ status, limit }) {
      const found: Proposal[] = [];
      const most = Math.min(limit, MOST_LISTED_PROPOSALS);
      for (const file of await files()) {
        if (found.length >= most) break;
        if (status !== undefined && (status === 'open') !== isOpen(file)) continue;
        const proposal = await read(file).catch((error: unknown) => {
          if (!hasSystemCode(error, 'ENOENT')) throw error;
          return get(file.hash);
        });
        if (proposal && (status === undefined || proposal.status === status)) found.push(proposal);
      }
      return found;
    },

    update: (proposal, expected) =>
      lock.withLock(async () => {
        const seen = await get(proposal.hash);
        // When it was put forward is in its name, and stays.
        if (seen === undefined || !mayReplace(seen, proposal, expected)) return false;
        const next = { ...proposal, at: seen.at };
        await write(next);
        await removeOthers(next.hash, fileNameOf(next));
        await syncFolder(folder);
        return true;
      }),
  };
}
