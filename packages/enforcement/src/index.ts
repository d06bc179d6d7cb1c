// Deciding and recording: the use cases that gateways call

// Approvals of actions that are held
export type {
  ApprovalRequest,
  Approvals,
  Approving,
  HeldAction,
  HeldActionDetails,
} from './approvals/approvals.ts';
export type { AuthorizeRequest } from './decide-request.ts';
export { type Authorized, Enforcer, type EnforcerOptions, type Reporter } from './enforcer.ts';
// Errors
export { EnforcementError, type EnforcementErrorCode } from './errors.ts';
// Names that no agent's session has
export { requireAgentSession } from './find-session.ts';
export type { HidingRules } from './handles/hiding-rules.ts';
export type { Carrying } from './handles/own-actions.ts';
// What enforcement needs of others
export type {
  ApprovalEvent,
  Clock,
  Commit,
  CommitEntry,
  CommitResult,
  DecidedEvent,
  Journal,
  Lease,
  Leases,
  Ledgered,
  Observer,
  OverdueEvent,
  Randomness,
  SessionArchive,
  SessionHead,
  SettledEvent,
  StoredStatement,
  Surroundings,
} from './ports.ts';
export type { SecretBroker, SecretUseRequest } from './secrets/ports.ts';
export type { Shown } from './settle-outcome.ts';
// What an operator hears of
export type { LostSession } from './sweep.ts';
export type { Reservation, Usage, UsageCharge, UsageRequest } from './usage/ports.ts';
