import type { LedgerWriter } from '@provability-fabric/evidence';

/**
 * A ledger that need not be there when the fabric starts: opened when it is first asked, and again until that works.
 * What is thrown is what opening, or the ledger, threw.
 */
export function lateLedger(open: () => Promise<LedgerWriter>): LedgerWriter {
  let opened: LedgerWriter | undefined;
  const ledger = async () => {
    opened ??= await open();
    return opened;
  };
  return {
    position: async (writer) => (await ledger()).position(writer),
    append: async (batch) => (await ledger()).append(batch),
  };
}
