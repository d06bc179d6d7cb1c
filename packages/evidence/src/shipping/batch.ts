import type { LedgerBatch, LedgerEntry } from '../ledger/ports.ts';
import type { LogEntry } from '../ports.ts';
import { ledgerEntryOf } from './ledger-entry.ts';

export interface ShippedBatch {
  readonly entries: readonly LedgerEntry[];
  readonly fences: Pick<LedgerBatch, 'fences'>;
}

/** As many of the entries as go into one batch: a session has one fence in it. */
export function cutBatch(found: readonly LogEntry[]): ShippedBatch {
  const entries: LedgerEntry[] = [];
  const seen = new Map<string, number | undefined>();
  for (const entry of found) {
    const key = `${entry.tenant}\n${entry.session}`;
    const { fence } = entry;
    if (seen.has(key) && seen.get(key) !== fence) break;
    seen.set(key, fence);
    entries.push(ledgerEntryOf(entry));
  }
  const fences = new Map<string, number>();
  for (const [key, fence] of seen) if (fence !== undefined) fences.set(key, fence);
  return { entries, fences: fences.size === 0 ? {} : { fences } };
}
