import type { Database, Transaction } from '../database/database.ts';
import { LedgerError } from '../errors.ts';

/** A database whose clock can be set; everything else of it is real. */
export function withClock(database: Database): { readonly database: Database; setAhead(ms: number): void } {
  let ahead = 0;
  const shifted = (tx: Transaction): Transaction => ({
    query: (text, values) =>
      tx.query(
        text.replaceAll('clock_timestamp()', `(clock_timestamp() + ${ahead} * interval '1 ms')`),
        values,
      ),
  });
  return {
    database: {
      transaction: (role, work, options) => database.transaction(role, (tx) => work(shifted(tx)), options),
      listen: (channel, heard) => database.listen(channel, heard),
      health: () => database.health(),
      inUse: () => database.inUse(),
      close: () => database.close(),
    },
    setAhead(ms) {
      ahead = ms;
    },
  };
}

/** A database that can be out of reach; otherwise it is real. */
export function withFault(database: Database): { readonly database: Database; set(gone: boolean): void } {
  let gone = false;
  return {
    database: {
      transaction: async (role, work, options) => {
        if (gone) throw new LedgerError('LEDGER_UNAVAILABLE', 'out of reach, as this test wants it');
        return database.transaction(role, work, options);
      },
      listen: (channel, heard) => database.listen(channel, heard),
      health: () => database.health(),
      inUse: () => database.inUse(),
      close: () => database.close(),
    },
    set(next) {
      gone = next;
    },
  };
}
