// The one function, the state it folds, and a session's state under another bundle

export { type CertifiedDecision, certified } from './certified.ts';
// The compiled bundle
export {
  type AutomataDocument,
  BUNDLE_FORMAT,
  type Clause,
  type CompiledBundle,
  type DocumentRule,
  type EventClass,
  type FlowClause,
  type LabelTemplate,
  type LimitClause,
  type ParameterRule,
  type PermitClause,
  type Source,
  type StoreRule,
  type ToolEffect,
  type ToolRule,
  type TraceAutomaton,
  type TraceClause,
} from './compiled-bundle.ts';
// Errors
export { PolicyError } from './errors.ts';
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
export { initialState, type State, stateDigest } from './state.ts';
export { mayEverCall, type RecordedInput, refold, refoldInput, type Stepped, step } from './step.ts';
export { formatInstant, parseInstant } from './time/instant.ts';
