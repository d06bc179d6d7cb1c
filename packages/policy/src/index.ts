// The one function, the state it folds, and a session's state under another bundle

// Patterns of text
export { matchesWildcard } from './cedar/wildcard.ts';
// What a certificate says of a decision
export { type CertifiedDecision, certified } from './certified.ts';
// What a compiler must hold to as well
export { FIELD_TYPES } from './checks/flow/field-types.ts';
export { releaseProblem } from './checks/flow/release-problem.ts';
export { MAX_FIELDS, MAX_PLACES, resultPlaces } from './checks/flow/result-places.ts';
// Approvals of calls that are held
export {
  type ApprovalProblemCode,
  type ApprovalRuling,
  approve,
  rulesOf,
  type TicketStatus,
  ticketStatus,
} from './checks/holds/approval.ts';
export {
  type ApprovalDecision,
  type Approver,
  type HoldsState,
  OPEN_MS,
  type OpenTicket,
} from './checks/holds/open-tickets.ts';
export { isUnsatisfiable, MAX_APPROVALS, MAX_WITHIN_MS } from './checks/holds/rules.ts';
export { ticketOf } from './checks/holds/ticket.ts';
export { parseMicroUnits } from './checks/limits/amounts.ts';
// Limits that more sessions than one count for
export { keepsCharge, type SharedCharge } from './checks/limits/shared.ts';
// Secrets: references that stand for values, and values where they must not be
export {
  EXPOSED_AT,
  type ExposureFact,
  UNCHECKED,
  WITHHELD_SECRET,
  withheldSecret,
} from './checks/secrets/exposed.ts';
export { NO_USE_IN } from './checks/secrets/read-rules.ts';
export type { SecretReference, TextPart } from './checks/secrets/reference.ts';
export { isSecretPattern } from './checks/secrets/rules.ts';
export { secretUses } from './checks/secrets/step.ts';
export { namesIn, type SecretUse, withTexts } from './checks/secrets/uses.ts';
// Automata on their own: reading and judging artifact/dfa.json
export { AUTOMATA_FORMAT } from './checks/trace/automaton.ts';
export { type AutomatonProblemCode, automataProblems } from './checks/trace/automaton-problems.ts';
export { readAutomata } from './checks/trace/read-automata.ts';
export { isStay } from './checks/trace/run-automaton.ts';
// The compiled bundle
export {
  type AmountUnit,
  type ApprovalRule,
  type Approvers,
  type ArgumentCondition,
  type AutomataDocument,
  BUNDLE_FORMAT,
  type Clause,
  type CompiledBundle,
  type DocumentRule,
  type EventClass,
  type FlowClause,
  type HoldClause,
  type HoldRule,
  type LabelCondition,
  type LabelTemplate,
  type LetterClass,
  type LimitClause,
  type ParameterRule,
  type PermitClause,
  type PrincipalCondition,
  type Register,
  type ReleaseClause,
  type ReleaseRule,
  type ResultSet,
  type ScalarConstant,
  type SecretRule,
  type SharedKey,
  type SharedLimitClause,
  type Source,
  type StoreRule,
  type ToolAmount,
  type ToolEffect,
  type ToolRule,
  type TraceAutomaton,
  type TraceClause,
  type TracePattern,
  type Transition,
  type TransitionPoint,
} from './compiled-bundle.ts';
export { CountedUsage } from './counted-usage.ts';
// What would have to be otherwise
export { type BenignLoss, type ClauseLoss, LossCounter, type Stopped } from './counterfactual/benign-loss.ts';
export { type Blocker, blockerKey, blockersIn } from './counterfactual/blockers.ts';
export type { Change } from './counterfactual/change.ts';
export { type Found, type WhyNot, whyNot } from './counterfactual/smallest-change.ts';
// Errors
export { PolicyError } from './errors.ts';
// Which events a clause speaks of
export { covers } from './event-class.ts';
// What is behind a decision
export {
  type ExplainedArgument,
  type ExplainedAutomaton,
  type ExplainedLimit,
  explainIntent,
  type IntentExplanation,
} from './explanation/explain-intent.ts';
export { type PastResult, pastResult } from './explanation/past-results.ts';
export { type RaisedBy, raisedBy } from './explanation/raised-label.ts';
export type { ValueSource } from './explanation/value-sources.ts';
export { extractToolRule } from './handles/extract-tool.ts';
// Handles: what stands for values that the agent does not see
export { EXTRACT_TYPES, type ExtractType } from './handles/extract-types.ts';
export type { Extracted } from './handles/extraction.ts';
export { formatHandle, HANDLE_BYTES, isHandle } from './handles/handle-text.ts';
export type { HandleFacts } from './handles/handles-state.ts';
export { EXTRACT_TOOL, type ExtractRule, type HandlesRule, type RoleClearance } from './handles/rules.ts';
export { forwardedArguments, handleFacts, mayHide, ownAnswer, shownOutcome } from './handles/show-outcome.ts';
// What goes in and what comes out
export type {
  Action,
  ApprovalInput,
  Capability,
  Environment,
  EpochInput,
  Input,
  IntentInput,
  ModeInput,
  OpenInput,
  OutcomeInput,
  Principal,
  PromptInput,
  TickInput,
  UsageFact,
} from './input.ts';
export { type LoadedBundle, loadBundle } from './load-bundle.ts';
export { mayEverCall } from './may-ever-call.ts';
export {
  CHECKS,
  type CheckName,
  type Decision,
  type Output,
  REASON_CODES,
  type Reason,
  type ReasonCode,
} from './output.ts';
export { parseCompiledBundle } from './parse-bundle.ts';
export { parseInput } from './parse-input.ts';
// Replay of recorded sessions
export {
  type PlayedInput,
  type PlayedSession,
  playedTrace,
  type RecordedAnswer,
  underEnvironment,
} from './replay/played-session.ts';
export {
  answersDiffer,
  chainDigest,
  ENFORCED,
  type ReplayedEvent,
  replaySession,
  replayTrace,
} from './replay/replay.ts';
export { parseTrace, type Trace, type TraceEvent } from './replay/trace-file.ts';
export { sharedCharges } from './shared-charges.ts';
export { initialState, nextDeadline, type State, stateDigest } from './state.ts';
export { type RecordedInput, refold, refoldInput, type Stepped, step } from './step.ts';
export { formatInstant, parseInstant } from './time/instant.ts';
