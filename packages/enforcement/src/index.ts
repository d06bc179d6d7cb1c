// Deciding and recording: the use cases that gateways call
export type { AuthorizeRequest } from './decide-request.ts';
export { type Authorized, Enforcer, type EnforcerOptions, type Reporter } from './enforcer.ts';
// Errors
export { EnforcementError, type EnforcementErrorCode } from './errors.ts';
// What enforcement needs of others
export type {
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
// What an operator hears of
export type { LostSession } from './sweep.ts';
