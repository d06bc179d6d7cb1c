import type { Digest, Integrity, JsonValue, Level } from '@provability-fabric/kernel';
import type { Mode } from '@provability-fabric/statements';
import type { CedarIr } from './cedar/index.ts';

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
  readonly cedar: CedarIr;
  readonly automata: AutomataDocument;
  readonly hashes: { readonly policy: Digest; readonly automata: Digest; readonly labeler: Digest };
}

export const BUNDLE_FORMAT = 'provability-fabric/bundle/v1';

/** A label whose compartments may name the acting tenant as `tenant:{tenant}`. */
export interface LabelTemplate {
  readonly level: Level;
  readonly compartments: readonly string[];
  readonly integrity: Integrity;
}

export type ToolEffect = 'read' | 'write' | 'egress' | 'admin';

export interface ToolRule {
  readonly effect: ToolEffect;
  /** Never sent again while an earlier sending is ambiguous. */
  readonly once: boolean;
  /** What its result carries; null: the label of the stores its parameters name. */
  readonly returns: LabelTemplate | null;
  /** What may flow out through it; null: nothing leaves through this tool, or its stores say. */
  readonly clearance: LabelTemplate | null;
  /** By JSON pointer into the arguments, `*` for every element. */
  readonly parameters: Readonly<Record<string, ParameterRule>>;
}

/** Where a value may have come from and still be used. */
export type Source =
  | { readonly kind: 'prompt' }
  | { readonly kind: 'constant'; readonly set: string }
  | { readonly kind: 'result'; readonly tool: string };

export interface ParameterRule {
  /** Any of these; null: no demand on the source. */
  readonly from: readonly Source[] | null;
  /** Sources that suffice even where a worse one is possible too. */
  readonly endorse: readonly Source[];
  /** The value is a path within one of these stores; null: not a path. */
  readonly stores: readonly string[] | null;
  /** May be absent from the arguments. A demand on a value that is absent and not optional is not met. */
  readonly optional: boolean;
}

/** What can be written and read back. Compiled only if `label` dominates `accepts`: no laundering through a file. */
export interface StoreRule {
  /** Relative path patterns; `*` within a segment, `**` any segments, `{tenant}` the acting tenant. */
  readonly paths: readonly string[];
  /** What is read from it. */
  readonly label: LabelTemplate;
  /** What may be written to it. */
  readonly accepts: LabelTemplate;
}

export interface DocumentRule {
  /** Pattern over the whole URI: `*` matches any run of characters. */
  readonly uri: string;
  readonly label: LabelTemplate;
}

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

/** Which events a clause speaks of; null members do not restrict. */
export interface EventClass {
  readonly tools: readonly string[] | null;
  readonly effects: readonly ToolEffect[] | null;
}

/** One Cedar policy, permit or forbid; its text is in `cedar` under the same id. */
export interface PermitClause extends ClauseBase {
  readonly kind: 'permit';
}

export interface TraceClause extends ClauseBase {
  readonly kind: 'trace';
  readonly pattern:
    | { readonly kind: 'never'; readonly never: EventClass }
    | { readonly kind: 'after_never'; readonly after: EventClass; readonly never: EventClass };
}

export interface FlowClause extends ClauseBase {
  readonly kind: 'flow';
  /** `session_label`: all that the session has read may flow to where the event sends. `parameters`: each parameter rule holds. */
  readonly rule: 'session_label' | 'parameters';
  readonly on: EventClass;
}

export interface LimitClause extends ClauseBase {
  readonly kind: 'limit';
  readonly on: EventClass;
  /** Calls per session. */
  readonly max: number;
  /** Sliding window in ms, both edges inclusive; null: the whole session. */
  readonly window_ms: number | null;
  /** Clock tolerance: widens the window, so it never loosens the limit. */
  readonly tolerance_ms: number;
}

export type Clause = PermitClause | TraceClause | FlowClause | LimitClause;

/** The exported automata (`artifact/dfa.json`): one small deterministic automaton per trace clause, over event classes. */
export interface AutomataDocument {
  readonly format: 'provability-fabric/dfa/v1';
  readonly automata: readonly TraceAutomaton[];
}

/**
 * Total and deterministic: the first transition of the state whose class matches is taken, otherwise it stays.
 * `violation` marks a transition that must not happen; the automaton never moves along it.
 */
export interface TraceAutomaton {
  readonly clause: string;
  readonly initial: number;
  readonly states: number;
  readonly transitions: readonly {
    readonly from: number;
    readonly on: EventClass;
    readonly to: number;
    readonly violation: boolean;
  }[];
}
