import { LedgerError, type LedgerErrorCode } from '../errors.ts';
import type { Transaction } from './database.ts';
import { ledgerError } from './postgres-error.ts';

const PROBE_EVERY_MS = 1_000;
/** What the database itself has, in contrast to what is wrong with one request. */
const LASTING: ReadonlySet<LedgerErrorCode> = new Set([
  'LEDGER_UNAVAILABLE',
  'LEDGER_READ_ONLY',
  'LEDGER_REFUSED',
  'LEDGER_CORRUPT',
]);

export interface DatabaseHealth {
  succeeded(readOnly: boolean): void;
  failed(error: unknown): void;
  problems(): readonly string[];
  close(): void;
}

/** The last problem, until something shows that it is over: while there is one, a probe looks once a second. */
export function createHealth(probe: () => Promise<void>): DatabaseHealth {
  let problem: LedgerError | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function failed(error: unknown): void {
    if (!(error instanceof LedgerError) || !LASTING.has(error.code) || closed) return;
    problem = error;
    timer ??= setTimeout(look, PROBE_EVERY_MS).unref();
  }

  function succeeded(readOnly: boolean): void {
    if (readOnly && problem?.code === 'LEDGER_READ_ONLY') return;
    problem = undefined;
  }

  function look(): void {
    probe().then(
      () => {
        timer = undefined;
        succeeded(false);
      },
      (error: unknown) => {
        timer = undefined;
        failed(error);
      },
    );
  }

  return {
    failed,
    succeeded,
    problems: () => (problem === undefined ? [] : [problem.message]),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

export async function requireWritable(tx: Transaction): Promise<void> {
  const [row] = await tx.query<{ writable: boolean }>(
    `select current_setting('transaction_read_only') = 'off' as writable`,
  );
  if (row?.writable !== true)
    throw ledgerError('LEDGER_READ_ONLY', 'standby or default_transaction_read_only');
}
