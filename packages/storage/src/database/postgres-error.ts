// What PostgreSQL, the driver and the network say, in this package's codes. Their own messages quote values,
// logins and addresses, so only the SQLSTATE or the system's code goes on; the error itself is not kept as
// `cause`, since whoever prints causes would print those too.
import { DatabaseError } from 'pg';
import { LedgerError, type LedgerErrorCode } from '../errors.ts';

/** By SQLSTATE; where the whole state is not listed, its class (the first two characters) is. */
const STATES: Readonly<Record<string, LedgerErrorCode>> = {
  '08': 'LEDGER_UNAVAILABLE', // connection exception
  '25006': 'LEDGER_READ_ONLY',
  '25': 'LEDGER_UNAVAILABLE', // invalid transaction state, such as an idle transaction that was ended
  '28': 'LEDGER_REFUSED', // invalid authorisation
  '3D': 'LEDGER_REFUSED', // no such database
  '40': 'LEDGER_UNAVAILABLE', // rolled back: deadlock, serialisation
  '42501': 'LEDGER_REFUSED', // insufficient privilege
  '53': 'LEDGER_UNAVAILABLE', // insufficient resources: disk, memory, connections
  '55': 'LEDGER_UNAVAILABLE', // a lock not to be had
  '57': 'LEDGER_UNAVAILABLE', // operator intervention: shutdown, starting up, cancelled
  '58': 'LEDGER_UNAVAILABLE', // system error
  XX001: 'LEDGER_CORRUPT',
  XX002: 'LEDGER_CORRUPT',
  XX: 'LEDGER_UNAVAILABLE',
};

const PROBLEMS: Partial<Record<LedgerErrorCode, string>> = {
  LEDGER_UNAVAILABLE: 'the ledger database cannot be used right now; it is tried again',
  LEDGER_READ_ONLY: 'the ledger database is read-only; point to its primary, or free its disk',
  LEDGER_REFUSED: 'the ledger database refuses this login or a right of it; check both',
  LEDGER_CORRUPT: 'the ledger database says that what it stores is damaged; restore it from a backup',
};

/** What an operator has to know of a state, and its number does not say. */
const MEANINGS: Readonly<Record<string, string>> = {
  '53100': 'no space left on its disk',
  '53200': 'out of memory',
  '53300': 'no connection left: raise max_connections',
  '57P03': 'starting up or shutting down',
};

/** A SQL error that is none of the environment's (a broken statement) stays as it is: it is a bug. */
export function asLedgerError(error: unknown): unknown {
  if (error instanceof LedgerError) return error;
  if (error instanceof DatabaseError) {
    const state = error.code ?? '';
    const code = STATES[state] ?? STATES[state.slice(0, 2)];
    if (code === undefined) return error;
    const meaning = MEANINGS[state];
    return ledgerError(code, meaning === undefined ? state : `${state}, ${meaning}`);
  }
  if (!(error instanceof Error)) return error;
  const system = (error as NodeJS.ErrnoException).code;
  if (typeof system === 'string' && /^(E[A-Z]+|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO|ERR_TLS)/.test(system)) {
    return ledgerError('LEDGER_UNAVAILABLE', system);
  }
  // The driver has no codes of its own; these are all that its connections fail with.
  if (/connection|timeout|terminated|not queryable|SSL|SASL|SCRAM|pool after/i.test(error.message)) {
    return ledgerError('LEDGER_UNAVAILABLE', 'connection lost or refused');
  }
  return error;
}

export function ledgerError(code: LedgerErrorCode, detail: string): LedgerError {
  return new LedgerError(code, `${PROBLEMS[code] ?? 'the ledger database failed'} (${detail})`);
}
