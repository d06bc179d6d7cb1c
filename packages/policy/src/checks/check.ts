import type { JsonValue, Label } from '@provability-fabric/kernel';
import type { Mode, OutcomeKind, Verdict } from '@provability-fabric/statements';
import type { ToolEffect, ToolRule } from '../compiled-bundle.ts';
import type { Extraction } from '../handles/extraction.ts';
import type { UsedHandle } from '../handles/used-handles.ts';
import type { IntentInput } from '../input.ts';
import type { LoadedBundle } from '../load-bundle.ts';
import type { ReasonCode } from '../output.ts';
import type { ResultPattern } from './flow/result-parts.ts';

/** What a check has to say against an intent. Modes are applied to it afterwards, in one place. */
export interface Finding {
  readonly code: ReasonCode;
  readonly verdict: Exclude<Verdict, 'accept'>;
  /** Whose mode weakens it: a clause, default deny, or nothing at all. */
  readonly weakened:
    | { readonly by: 'clause'; readonly id: string; readonly mode: Mode; readonly severity: string }
    | { readonly by: 'default_mode' }
    | { readonly by: 'nothing' };
  readonly witness: JsonValue;
}

/** An intent together with what the bundle says of its target; `rule` is undefined for a tool that no bundle names. */
export interface Event {
  readonly intent: IntentInput;
  /** Monotonic session time in ms. */
  readonly time: number;
  readonly tool: ToolRule | undefined;
  /** undefined where neither a tool rule nor a document rule covers the target. */
  readonly effect: ToolEffect | undefined;
  /** The session's, before this event, joined with those of the handles in its arguments. */
  readonly label: Label;
  /** The handles in its arguments; absent where there are none. */
  readonly used?: readonly UsedHandle[];
}

/** A session's own facts, which every check may read and none may change. */
export interface SessionFacts {
  readonly tenant: string;
  readonly session: string;
  readonly principal: string;
  readonly epoch: number;
  /** The join of all that has been read, for policies that ask. */
  readonly label: Label;
}

/** `next` is the check's state if the event goes ahead; a violated clause's own part of it has not moved. */
export interface Ruling<State> {
  readonly findings: readonly Finding[];
  readonly next: State;
  /** Clauses without whose release there would be more findings, ascending. */
  readonly releases?: readonly string[];
}

/** An allowed intent that waits for its outcome. */
export interface Pending {
  readonly target: string;
  readonly once: boolean;
  readonly tenant: string;
  /** What the result will carry where no pattern says less. */
  readonly label: Label;
  readonly patterns: readonly ResultPattern[];
  /** How texts in the result write records. */
  readonly text: 'json' | 'yaml';
  /** The most that the agent sees of the result; absent: all of it. */
  readonly clearance?: Label;
  /** What the fabric itself is to take out of a hidden value. */
  readonly extraction?: Extraction;
}

export interface OutcomeEvent {
  readonly certificate: string;
  readonly pending: Pending;
  readonly outcome: OutcomeKind;
  readonly result: JsonValue;
  /** Present where the agent sees no more of the result than this. */
  readonly seenUpTo?: Label;
}

/** One dimension of a decision. Each has its own sub-state; no check knows another. */
export interface Check<State> {
  init(bundle: LoadedBundle): State;
  /** The canonical content of the sub-state, for the state digest. */
  describe(state: State): JsonValue;
  onIntent(bundle: LoadedBundle, facts: SessionFacts, state: State, event: Event): Ruling<State>;
}
