import { asSessionId, asTenantId, IdError } from '@provability-fabric/kernel';
import { EvidenceError } from '../errors.ts';
import type { Commit } from '../ports.ts';
import { MAX_FRAME_BODY_BYTES } from './frame.ts';

/** What sealing and framing add, generously. */
const OVERHEAD_BYTES = 1024;
const ENTRY_OVERHEAD_BYTES = 256;

/**
 * The commit's size in bytes. Refuses with BAD_COMMIT what no correct caller sends, before any of it is
 * written.
 */
export function checkCommit(commit: Commit): number {
  const { tenant, session, expectedSeq, expectedDigest, entries } = commit;
  try {
    asTenantId(tenant);
    asSessionId(session);
  } catch (error) {
    if (!(error instanceof IdError)) throw error;
    throw bad(error.message);
  }
  if (
    !Number.isSafeInteger(expectedSeq) ||
    expectedSeq < -1 ||
    (expectedSeq === -1) !== (expectedDigest === null)
  ) {
    throw bad('expected a seq of at least -1, and a digest exactly where it is not -1');
  }
  if (entries.length === 0) throw bad('expected at least one entry');
  let bytes = OVERHEAD_BYTES;
  let seq = expectedSeq;
  for (const entry of entries) {
    if (entry.seq !== ++seq) throw bad(`expected seq ${seq}, got \`${entry.seq}\``);
    if (entry.salt.length !== 32) throw bad(`expected a salt of 32 bytes, got \`${entry.salt.length}\``);
    if (!/^[0-9a-f]{64}$/.test(entry.digest)) throw bad('expected a digest of 64 lowercase hex digits');
    bytes += entry.envelope.length + entry.record.length + ENTRY_OVERHEAD_BYTES;
  }
  if (bytes > MAX_FRAME_BODY_BYTES) {
    throw bad(`expected a commit of at most ${MAX_FRAME_BODY_BYTES} bytes, got \`${bytes}\``);
  }
  return bytes;
}

function bad(problem: string): EvidenceError {
  return new EvidenceError('BAD_COMMIT', `a commit was refused: ${problem}`);
}
