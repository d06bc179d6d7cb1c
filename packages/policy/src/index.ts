// The one function, the state it folds, and a session's state under another bundle

// Patterns of text
export { matchesWildcard } from './cedar/wildcard.ts';
// What a certificate says of a decision
export { type CertifiedDecision, certified } from './certified.ts';
// What a compiler must hold to as well
export { FIELD_TYPES } from './checks/flow/field-types.ts';
export { releaseProblem } from './checks/flow/release-problem.ts';
export { MAX_FIELDS, MAX_PLACES, resultPlaces } from './checks/flow/result-places.ts';
// Automata on their own: reading and judging artifact/dfa.json
export { AUTOMATA_FORMAT } from './checks/trace/automaton.ts';
export { type AutomatonProblemCode, automataProblems } from './checks/trace/automaton-problems.ts';
export { readAutomata } from './checks/trace/read-automata.ts';
export { isStay } from './checks/trace/run-automaton.ts';
// The compiled bundle
export {
  type ArgumentCondition,
  type AutomataDocument,
  BUNDLE_FORMAT,
  type Clause,
  type CompiledBundle,
  type DocumentRule,
  type EventClass,
  type FlowClause,
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
  type Source,
  type StoreRule,
  type ToolEffect,
  type ToolRule,
  type TraceAutomaton,
  type TraceClause,
  type TracePattern,
  type Transition,
  type TransitionPoint,
} from './compiled-bundle.ts';
// Errors
export { PolicyError } from './errors.ts';
// Which events a clause speaks of
export { covers } from './event-class.ts';
// What goes in and what comes out
export type {
  Action,
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
export { answersDiffer, chainDigest, ENFORCED, type ReplayedEvent, replayTrace } from './replay/replay.ts';
export { parseTrace, type Trace, type TraceEvent } from './replay/trace-file.ts';
export { initialState, nextDeadline, type State, stateDigest } from './state.ts';
export { type RecordedInput, refold, refoldInput, type Stepped, step } from './step.ts';
export { formatInstant, parseInstant } from './time/instant.ts';
