// Contract suites: what every adapter of a port has to keep to

export { type ClaimsUnderTest, describeClaimsContract } from './governor/claims-contract.ts';
export { describeKillSourceContract, type KillSourceUnderTest } from './governor/kill-source-contract.ts';
export {
  describeProposalsContract,
  type ProposalsShape,
  type ProposalsUnderTest,
} from './governor/proposals-contract.ts';
export { describeTreeLockContract, type TreeLockUnderTest } from './governor/tree-lock-contract.ts';
export { type JournalUnderTest, journalContract } from './journal-contract.ts';
// In-memory ports
export { type JournalEntry, MemoryJournal } from './memory-journal.ts';
export { MemoryLeases, MemoryLeaseTable } from './memory-leases.ts';
export { MemoryLedger, MemoryShipper } from './memory-ledger.ts';
export { MemoryUsage } from './memory-usage.ts';
export { type AwsFault, FakeAws } from './secrets/fake-aws.ts';
export { fakeLostAnswers } from './secrets/fake-lost-answers.ts';
export { FakeVault, RUNBOOK_POLICY, type VaultFault, WIDER_POLICY } from './secrets/fake-vault.ts';
export {
  describeInvalidationsContract,
  type InvalidationsUnderTest,
} from './secrets/invalidations-contract.ts';
export { MemorySecretRows } from './secrets/memory-secret-rows.ts';
export { describeProviderContract } from './secrets/provider-contract.ts';
export type { ProviderUnderTest } from './secrets/provider-suite.ts';
export {
  describeRateLimitsContract,
  type RateLimitsShape,
  type RateLimitsUnderTest,
} from './secrets/rate-limits-contract.ts';
export { type RotationStoreUnderTest, rotationStoreContract } from './secrets/rotation-store-contract.ts';
export { HOSTILE_NAMES, newTenant, placeOf, uncheckedPlace } from './secrets/secret-places.ts';
export { describeSecretRowsContract, type SecretRowsUnderTest } from './secrets/secret-rows-contract.ts';
// Generators
export { commitOf, headAfter } from './statement-source.ts';
export { type UsageUnderTest, usageContract } from './usage-contract.ts';
