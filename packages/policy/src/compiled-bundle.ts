import type { Digest, JsonValue } from '@provability-fabric/kernel';
import type { Mode } from '@provability-fabric/statements';
import type { CedarIr } from './cedar/index.ts';
import type { DocumentRule, ReleaseRule, StoreRule, ToolRule } from './checks/flow/rules.ts';
import type { HoldRule } from './checks/holds/rules.ts';
import type { LimitRule, SharedKey } from './checks/limits/rules.ts';
import type { SecretRule } from './checks/secrets/rules.ts';
import type { AutomataDocument } from './checks/trace/automaton.ts';
import type { TracePattern } from './checks/trace/pattern.ts';
import type { EventClass } from './event-class.ts';
import type { HandlesRule } from './handles/rules.ts';

export type {
  DocumentRule,
  LabelTemplate,
  ParameterRule,
  ReleaseRule,
  ResultSet,
  Source,
  StoreRule,
  ToolRule,
} from './checks/flow/rules.ts';
export type { ApprovalRule, Approvers, HoldRule } from './checks/holds/rules.ts';
export type { AmountUnit, SharedKey, ToolAmount } from './checks/limits/rules.ts';
export type { SecretRule } from './checks/secrets/rules.ts';
export type {
  AutomataDocument,
  LetterClass,
  Register,
  TraceAutomaton,
  Transition,
  TransitionPoint,
} from './checks/trace/automaton.ts';
export type { TracePattern } from './checks/trace/pattern.ts';
export type {
  ArgumentCondition,
  EventClass,
  LabelCondition,
  PrincipalCondition,
  ScalarConstant,
} from './event-class.ts';

/** The IR that `step` runs (CONTRACTS §2): canonical JSON, every number a safe integer, times in ms since the epoch. */
export interface CompiledBundle {
  readonly format: typeof BUNDLE_FORMAT;
  readonly name: string;
  /** Monotonic: a bundle is never replaced by a lower version. */
  readonly version: number;
  readonly owner: string;
  readonly expires: number | null;
  readonly tenants: readonly string[];
  readonly assurance: 'standard' | 'high';
  /** Mode of default deny: what happens where no permit applies. */
  readonly default_mode: Mode;
  readonly compiler: string;
  /** SHA-256 of every source file, by path within the bundle. */
  readonly sources: Readonly<Record<string, Digest>>;
  /** Named sets of values that the bundle vouches for. */
  readonly constants: Readonly<Record<string, readonly JsonValue[]>>;
  /** By tool name; `*` stands for every tool not named. */
  readonly tools: Readonly<Record<string, ToolRule>>;
  /** Resources, prompts and completions read over MCP: the first pattern that matches the URI labels it. */
  readonly documents: readonly DocumentRule[];
  readonly stores: Readonly<Record<string, StoreRule>>;
  readonly clauses: readonly Clause[];
  /** Absent: the agent sees all results. */
  readonly handles?: HandlesRule;
  /** Absent: no argument stands for a secret. */
  readonly secrets?: readonly SecretRule[];
  readonly cedar: CedarIr;
  readonly automata: AutomataDocument;
  readonly hashes: { readonly policy: Digest; readonly automata: Digest; readonly labeler: Digest };
}

export const BUNDLE_FORMAT = 'provability-fabric/bundle/v1';

export type ToolEffect = 'read' | 'write' | 'egress' | 'admin';

interface ClauseBase {
  readonly id: string;
  readonly mode: Mode;
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  readonly owner: string;
  readonly expires: number | null;
  readonly critical: boolean;
  /** Why it is there, in a sentence, for `explain`. */
  readonly description: string;
}

/** One Cedar policy, permit or forbid; its text is in `cedar` under the same id. */
export interface PermitClause extends ClauseBase {
  readonly kind: 'permit';
}

export interface TraceClause extends ClauseBase {
  readonly kind: 'trace';
  readonly pattern: TracePattern;
}

export interface FlowClause extends ClauseBase {
  readonly kind: 'flow';
  /** `session_label`: all that the session has read may flow to where the event sends. `parameters`: each parameter rule holds. */
  readonly rule: 'session_label' | 'parameters';
  readonly on: EventClass;
}

export interface LimitClause extends ClauseBase, LimitRule {
  readonly kind: 'limit';
}

/** A limit that many sessions count for. */
export interface SharedLimitClause extends LimitClause {
  readonly per: SharedKey;
}

/** In bundle.yaml a clause of kind `flow` whose rule is `declassify` or `endorse`. */
export interface ReleaseClause extends ClauseBase, ReleaseRule {
  readonly kind: 'release';
}

export interface HoldClause extends ClauseBase, HoldRule {
  readonly kind: 'hold';
}

export type Clause = PermitClause | TraceClause | FlowClause | ReleaseClause | LimitClause | HoldClause;
