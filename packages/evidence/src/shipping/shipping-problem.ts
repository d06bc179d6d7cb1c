import { EvidenceError, systemCode } from '../errors.ts';

/** Trying again does not help where evidence contradicts evidence, or where what is sent is no statement. */
const CONTRADICTIONS: ReadonlySet<string> = new Set([
  'LEDGER_CONFLICT',
  'LEDGER_CORRUPT',
  'BAD_ENTRY',
  'LOG_BEHIND_LEDGER',
  'EVIDENCE_CORRUPT',
  // The ledger went back behind what was freed: nobody has those entries any more.
  'NOT_IN_LOG',
]);

export function codeOf(error: unknown): string {
  return systemCode(error);
}

export function isContradiction(error: unknown): boolean {
  return CONTRADICTIONS.has(codeOf(error));
}

/** Going on would give two different entries the same index: a fork that every auditor sees. */
export function logBehindLedger(position: number, size: number): EvidenceError {
  return new EvidenceError(
    'LOG_BEHIND_LEDGER',
    `expected the ledger to have at most the ${size} entries of this log, but it has ${position}; the data folder was ` +
      'put back from an old backup: put the newest one back, or start a new data folder with a key of its own',
  );
}
