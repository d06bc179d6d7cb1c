// Contract suites: what every adapter of a port has to keep to
export { type JournalUnderTest, journalContract } from './journal-contract.ts';
// In-memory ports
export { MemoryJournal } from './memory-journal.ts';
// Generators
export { commitOf, headAfter } from './statement-source.ts';
