import { open } from 'node:fs/promises';
import type { Crypto } from '@provability-fabric/kernel';
import { GovernorError } from '../../errors.ts';
import type { AuditRecord } from '../audit-record.ts';
import { damaged } from './audit-file.ts';
import { firstLine, isStale, linesBackwards, partsOf, rotatedLines } from './parts.ts';
import { readLine } from './read-line.ts';

const MOST = 10_000;

/**
 * The last n records of a view, the oldest of them first; of all its parts, read from the end. Throws CHANGE_AUDIT_DAMAGED for
 * a line that is none of ours.
 */
export async function lastRecords(crypto: Crypto, path: string, n: number): Promise<readonly AuditRecord[]> {
  if (!Number.isInteger(n) || n < 1 || n > MOST)
    throw new GovernorError(
      'MANIFEST_INVALID',
      `expected a number of records from 1 to ${MOST}, came \`${n}\``,
    );
  const found: AuditRecord[] = [];
  /** Whether there are enough of them. */
  const take = (text: string): boolean => {
    const read = readLine(crypto, text);
    if (read.kind === 'bad') throw damaged(`a line of the audit log is none of ours: ${read.problem}`);
    if (read.kind === 'change') found.push(read.line.record);
    return found.length >= n;
  };
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    for await (const { text } of linesBackwards(file, size)) if (take(text)) return found.reverse();
    const first = await firstLine(file, size);
    for (const part of (await partsOf(path)).rotated.toReversed()) {
      if (await isStale(part, first)) continue;
      let kept: string[] = [];
      for await (const { text } of rotatedLines(part)) {
        kept.push(text);
        if (kept.length > 2 * MOST) kept = kept.slice(-MOST);
      }
      for (const text of kept.toReversed()) if (take(text)) return found.reverse();
    }
    return found.reverse();
  } finally {
    await file.close();
  }
}
