// Deciding and recording: the use cases that gateways call
export {
  type Authorized,
  type AuthorizeRequest,
  Enforcer,
  type EnforcerOptions,
  type Reporter,
} from './enforcer.ts';
// Errors
export { EnforcementError } from './errors.ts';
// What enforcement needs of others
export type {
  Clock,
  Commit,
  CommitEntry,
  CommitResult,
  DecidedEvent,
  Journal,
  Observer,
  Randomness,
  SessionHead,
  SettledEvent,
  StoredStatement,
  Surroundings,
} from './ports.ts';
