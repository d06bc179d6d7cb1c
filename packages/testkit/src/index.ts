// Contract suites: what every adapter of a port has to keep to
export { type JournalUnderTest, journalContract } from './journal-contract.ts';
// In-memory ports
export { type JournalEntry, MemoryJournal } from './memory-journal.ts';
export { MemoryLeases, MemoryLeaseTable } from './memory-leases.ts';
export { MemoryLedger, MemoryShipper } from './memory-ledger.ts';
export { MemoryUsage } from './memory-usage.ts';
// Generators
export { commitOf, headAfter } from './statement-source.ts';
export { type UsageUnderTest, usageContract } from './usage-contract.ts';
