import { join } from 'node:path';
import { type Envelope, parseEnvelope, parseJsonBytes, utf8 } from '@provability-fabric/kernel';
import type { HeadStatement } from '@provability-fabric/statements';
import { headIn, readHeadLines } from './heads-file.ts';

/** A head as it lies in the data folder. Its signature was not looked at. */
export interface KeptHead {
  readonly envelope: Envelope;
  readonly head: HeadStatement;
}

/** The newest heads of a data folder, in the order in which they were signed; null for a line that holds none. */
export async function readKeptHeads(directory: string): Promise<readonly (KeptHead | null)[]> {
  const lines = await readHeadLines(join(directory, 'log', 'heads'));
  return lines.map((line) => {
    const head = headIn(line);
    return head === undefined ? null : { head, envelope: parseEnvelope(parseJsonBytes(utf8(line))) };
  });
}
