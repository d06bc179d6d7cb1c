import { join } from 'node:path';
import { type Crypto, equalBytes, type NoteVerifier } from '@provability-fabric/kernel';
import { ensureFolder } from '../durable-files.ts';
import { EvidenceError, hasSystemCode, systemCode } from '../errors.ts';
import type { Emit } from '../ports.ts';
import { type PublishedCheckpoint, readCheckpointFile } from './checkpoint-file.ts';
import { JournalScan } from './journal-scan.ts';
import type { LogFiles } from './log-files.ts';
import type { SegmentIndexes } from './segment-indexes.ts';
import type { SegmentEnd } from './segment-writer.ts';
import type { SessionIndex } from './session-index.ts';
import { readEdge } from './tile-files.ts';
import { TileTree } from './tile-tree.ts';

const READ_ATTEMPTS = 3;

/** Where a log lies and who signs it. */
export interface LogPlace {
  readonly crypto: Crypto;
  /** The folder with `checkpoint` and `tile/`. */
  readonly log: string;
  /** The folder with the segments. */
  readonly journal: string;
  readonly origin: string;
  readonly verifiers: readonly NoteVerifier[];
}

export interface Recovered {
  readonly tree: TileTree;
  readonly sessions: SessionIndex;
  readonly indexes: SegmentIndexes;
  /** How many entries, from the first on, are no longer in the journal. */
  readonly freed: number;
  readonly end: SegmentEnd | undefined;
  readonly published: PublishedCheckpoint | undefined;
  /** How much of the tree lies in sound tiles. */
  readonly tilesSize: number;
}

/**
 * Reads the log back for writing on. The signed checkpoint says how far damage cannot be a crash: refused
 * with EVIDENCE_CORRUPT, before anything is changed, is what is damaged below it, what disagrees with it, and
 * what a later write proves was durable.
 *
 * Leaves below the checkpoint are taken from its tiles, whose root it signs; the journal's entries are held
 * against them when they are read. Where tiles are missing or damaged, every leaf is computed from the
 * journal instead.
 */
export async function recover(place: LogPlace, files: LogFiles, emit: Emit): Promise<Recovered> {
  await ensureFolder(place.log);
  await ensureFolder(place.journal, 0o700);
  const published = await publishedIn(place);
  const { scan, tree, fromTiles } = await look(place, published, Number.POSITIVE_INFINITY);
  try {
    await scan.mend(files, emit);
  } catch (cause) {
    throw new EvidenceError(
      'EVIDENCE_UNAVAILABLE',
      `the journal \`${place.journal}\` could not be mended after a crash (${systemCode(cause)}); make space and ` +
        'start again',
      { cause },
    );
  }
  if (published !== undefined && !fromTiles) emit('tiles_rebuilt', { size: published.size });
  const tilesSize = fromTiles && published !== undefined ? published.size : 0;
  const { sessions, indexes, freed, end } = scan;
  return { tree, sessions, indexes, freed, end, published, tilesSize };
}

export interface SignedPart extends Omit<Recovered, 'tilesSize'> {
  readonly published: PublishedCheckpoint;
  /** Whether the tree is what its tiles say; otherwise it was computed from the journal. */
  readonly fromTiles: boolean;
}

/**
 * Reads what the checkpoint covers and changes nothing. Another process may go on writing meanwhile: what it
 * signs was durable before. Refuses what `recover` refuses, and a folder without a checkpoint.
 */
export async function readSignedPart(place: LogPlace): Promise<SignedPart> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readOnce(place);
    } catch (error) {
      // A segment that was listed a moment ago may have been freed since.
      if (attempt === READ_ATTEMPTS || !hasSystemCode(error, 'ENOENT')) throw error;
    }
  }
}

async function readOnce(place: LogPlace): Promise<SignedPart> {
  const published = await publishedIn(place);
  if (published === undefined) {
    const message = `expected a log in \`${place.log}\`, got none; check the data folder`;
    throw new EvidenceError('NOT_IN_LOG', message);
  }
  const { scan, tree, fromTiles } = await look(place, published, published.size);
  const { sessions, indexes, freed, end } = scan;
  return { tree, sessions, indexes, freed, end, published, fromTiles };
}

function publishedIn({ crypto, log, origin, verifiers }: LogPlace): Promise<PublishedCheckpoint | undefined> {
  return readCheckpointFile(crypto, join(log, 'checkpoint'), origin, verifiers);
}

async function look(place: LogPlace, published: PublishedCheckpoint | undefined, limit: number) {
  const { crypto, log, journal } = place;
  const stored = published && (await storedTree(crypto, log, published));
  const tree = stored ?? new TileTree(crypto, log);
  const scan = new JournalScan(crypto, place, tree, published, limit);
  await scan.read();
  const path = join(log, 'checkpoint');
  if (published === undefined && !scan.isBlank) {
    throw corrupt(`checkpoint \`${path}\` is missing, but the journal \`${journal}\` is not empty`);
  }
  if (published !== undefined && scan.size < published.size) {
    throw corrupt(
      `checkpoint \`${path}\` covers ${published.size} entries, but the journal \`${journal}\` holds ${scan.size}`,
    );
  }
  return { scan, tree, fromTiles: stored !== undefined };
}

async function storedTree(
  crypto: Crypto,
  log: string,
  { size, root }: PublishedCheckpoint,
): Promise<TileTree | undefined> {
  const edge = await readEdge(crypto, log, size);
  const tree = edge && new TileTree(crypto, log, edge);
  return tree && equalBytes(tree.root(), root) ? tree : undefined;
}

function corrupt(problem: string): EvidenceError {
  return new EvidenceError(
    'EVIDENCE_CORRUPT',
    `${problem}; put both back from one backup. Nothing was changed`,
  );
}
