import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Crypto, equalBytes, leafHash } from '@provability-fabric/kernel';
import { EvidenceError } from '../errors.ts';
import type { PublishedCheckpoint } from './checkpoint-file.ts';
import { leafDataInTiles } from './entry-tiles.ts';
import { leafData, type ReadEntry } from './journal-reader.ts';
import type { SessionAudit } from './session-audit.ts';
import { newTiles } from './tile-files.ts';
import { TileTree } from './tile-tree.ts';

/** Entries between two comparisons with the disk: whole tiles of the first two levels. */
const STRIDE = 65_536;

/**
 * Computes every tile anew from the journal and holds it against the one on disk, and the root against the
 * checkpoint. Opening a log trusts its tiles as far as they lead to the checkpoint's root; this trusts
 * nothing but the checkpoint. Of what was freed only the leaves are left, and those are compared. Which session a
 * statement is of is not in its leaf: it is held against the sessions that the log was opened with.
 */
export async function auditLog(
  crypto: Crypto,
  folder: string,
  checkpoint: PublishedCheckpoint,
  freed: number,
  entries: AsyncIterable<ReadEntry>,
  sessions: SessionAudit,
): Promise<void> {
  const tree = new TileTree(crypto, folder);
  let compared = 0;
  for await (const data of everyLeaf(crypto, folder, checkpoint.size, freed, sessions.of(entries))) {
    if (tree.size === checkpoint.size) break;
    tree.append(data, leafHash(crypto, data));
    if (tree.size % STRIDE === 0 || tree.size === checkpoint.size) {
      await compareTiles(tree, folder, compared, tree.size === checkpoint.size);
      compared = tree.size;
      tree.settle(compared);
    }
  }
  sessions.finish();
  if (tree.size === checkpoint.size && equalBytes(tree.root(), checkpoint.root)) return;
  throw new EvidenceError(
    'EVIDENCE_CORRUPT',
    `the journal does not lead to the root of \`${join(folder, 'checkpoint')}\`; put both back from one backup`,
  );
}

/** Leaf data from the entry tiles where the journal was freed, from its entries where it was not. */
async function* everyLeaf(
  crypto: Crypto,
  folder: string,
  size: number,
  freed: number,
  entries: AsyncIterable<ReadEntry>,
): AsyncGenerator<Uint8Array> {
  yield* leafDataInTiles(folder, size, freed);
  for await (const { entry } of entries) yield leafData(crypto, entry);
}

async function compareTiles(tree: TileTree, folder: string, from: number, last: boolean): Promise<void> {
  for (const { path, bytes, full } of newTiles(tree.edge, from, tree.size)) {
    // Partial tiles in between were replaced long ago.
    if (!last && !full) continue;
    const file = join(folder, path);
    const stored = await readFile(file).catch(() => undefined);
    if (stored !== undefined && equalBytes(stored, bytes)) continue;
    if (stored === undefined && !full) {
      // A log that is being written to may have filled and replaced this partial tile since the checkpoint.
      const filled = await readFile(file.replace(/\.p\/\d+$/, '')).catch(() => undefined);
      if (filled !== undefined && equalBytes(filled.subarray(0, bytes.length), bytes)) continue;
    }
    throw new EvidenceError(
      'EVIDENCE_CORRUPT',
      `tile \`${file}\` is not what the journal leads to; stop the fabric, move the folder \`log/tile\` aside and ` +
        'start: tiles are written anew from the journal',
    );
  }
}
