import { readCheckpoint } from '@provability-fabric/evidence';
import {
  type Crypto,
  concatBytes,
  leafHash,
  type NoteVerifier,
  verifyInclusion,
} from '@provability-fabric/kernel';
import type { Database } from '../database/database.ts';
import { corrupt } from './envelope.ts';
import { readInclusions } from './proofs.ts';
import { readIn } from './scope.ts';

export interface SignedLedger {
  readonly database: Database;
  readonly crypto: Crypto;
  readonly origin: string;
  /** The keys that checkpoints of this ledger may be signed with. */
  readonly verifiers: readonly NoteVerifier[];
}

interface InLog {
  readonly index: number;
  readonly envelope: Uint8Array;
  readonly salt: Uint8Array;
}

const TIMEOUT_MS = 10_000;

/** Throws LEDGER_CORRUPT for statements that are not under the checkpoint that the ledger's key signed. */
export async function requireInLog(
  { database, crypto, origin, verifiers }: SignedLedger,
  batch: readonly InLog[],
): Promise<void> {
  const { checkpoint, proven } = await readIn(
    database,
    { tenant: null },
    async (tx) => {
      const [state] = await tx.query<{ checkpoint: string }>('select checkpoint from pf.log_state');
      const checkpoint = state && readCheckpoint(crypto, state.checkpoint, origin, verifiers);
      if (checkpoint === undefined)
        throw corrupt("the ledger's checkpoint is signed by none of the known keys");
      const indices = batch.map(({ index }) => index);
      if (indices.some((index) => index >= checkpoint.size)) throw corrupt('a statement is not in the log');
      return { checkpoint, proven: await readInclusions(crypto, tx, indices, checkpoint.size) };
    },
    TIMEOUT_MS,
  );
  const { size, root } = checkpoint;
  for (const [position, { index, salt, envelope }] of batch.entries()) {
    const leaf = leafHash(crypto, crypto.sha256(concatBytes(salt, envelope)));
    const proof = proven[position]?.path ?? [];
    if (!verifyInclusion(crypto, { index, size, leaf, proof, root }).ok) {
      throw corrupt(`the statement at index ${index} is not the one in the log`);
    }
  }
}
