import type { JsonValue } from '@provability-fabric/kernel';
import type { Mode, OutcomeKind } from '@provability-fabric/statements';
import type { ApprovalDecision, Approver } from './checks/holds/open-tickets.ts';
import type { ExposureFact } from './checks/secrets/exposed.ts';
import type { HandleFacts } from './handles/handles-state.ts';

/** Who acts (CONTRACTS §1). */
export interface Principal {
  readonly id: string;
  readonly roles: readonly string[];
  readonly org: string;
  readonly tenant: string;
  readonly attributes: JsonValue;
}

/** The capability a token granted; null where the host vouches for the agent itself (`pf run`). */
export interface Capability {
  readonly id: string;
  /** `call:<tool>`, `read:<uri>`, or `*`. */
  readonly caps: readonly string[];
  /** ms since the epoch. */
  readonly expires: number;
}

export interface Action {
  readonly kind: 'call' | 'read';
  readonly target: string;
  readonly args: JsonValue;
}

interface Timed {
  /** ms since the epoch, of the fabric's clock; `step` uses max(previous, at). */
  readonly at: number;
}

/** The first input of every session: what holds before anything happens. */
export interface OpenInput extends Timed {
  readonly kind: 'open';
  readonly tenant: string;
  readonly session: string;
  readonly principal: string;
  readonly environment: Environment;
  readonly epoch: number;
}

/** Rollout settings of the environment; the weaker of these and a clause's own mode is in force. */
export interface Environment {
  readonly enforcement_mode: Mode | 'disabled';
  readonly default_mode: Mode | null;
  readonly overlay: string | null;
}

/** The host's trusted instruction; each one adds to those before. */
export interface PromptInput extends Timed {
  readonly kind: 'prompt';
  readonly text: string;
}

/** An action that somebody wants. */
export interface IntentInput extends Timed {
  readonly kind: 'intent';
  readonly certificate_id: string;
  readonly principal: Principal;
  readonly capability: Capability | null;
  readonly action: Action;
  /** The epoch the caller believes in. */
  readonly epoch: number;
  readonly attributes: JsonValue;
  /** What others had taken of the shared limits that it takes from, when its own share was reserved; absent: of none. */
  readonly usage?: readonly UsageFact[];
  /** Present where it held a secret's value; a fixed text is then in the place of what did. */
  readonly exposed?: readonly ExposureFact[];
}

export interface UsageFact {
  readonly clause: string;
  /** All other charges within the window, in the limit's unit. */
  readonly used: number;
}

/** What came of an allowed intent. A later outcome for an ambiguous one resolves it. */
export interface OutcomeInput extends Timed {
  readonly kind: 'outcome';
  readonly certificate_id: string;
  readonly outcome: OutcomeKind;
  /** The result's JSON; null where nothing came. */
  readonly result: JsonValue;
  /** Present where the agent does not see all of the result. */
  readonly handles?: HandleFacts;
  /** Present where the result held a secret's value; a fixed text is then in its place. */
  readonly exposed?: readonly ExposureFact[];
}

export interface ModeInput extends Timed {
  readonly kind: 'mode';
  readonly environment: Environment;
}

export interface EpochInput extends Timed {
  readonly kind: 'epoch';
  readonly epoch: number;
}

export interface TickInput extends Timed {
  readonly kind: 'tick';
}

/** Somebody's word about a call that is held; whoever records it has checked who they are. */
export interface ApprovalInput extends Timed {
  readonly kind: 'approval';
  readonly ticket: string;
  readonly approver: Approver;
  readonly decision: ApprovalDecision;
}

export type Input =
  | OpenInput
  | PromptInput
  | IntentInput
  | OutcomeInput
  | ModeInput
  | EpochInput
  | TickInput
  | ApprovalInput;
