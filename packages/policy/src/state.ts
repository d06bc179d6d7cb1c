import { type Digest, digestJson, type JsonValue } from '@provability-fabric/kernel';
import type { Pending } from './checks/check.ts';
import { type FlowState, flow } from './checks/flow/step.ts';
import { describeTickets, type HoldsState, NO_TICKETS } from './checks/holds/open-tickets.ts';
import { type LimitsState, limits } from './checks/limits/step.ts';
import { type TraceState, trace } from './checks/trace/step.ts';
import { describeHandles, type HandlesState, NO_HANDLES } from './handles/handles-state.ts';
import type { Environment } from './input.ts';
import type { LoadedBundle } from './load-bundle.ts';

/** What a session has been told about itself; null before its opening. */
interface Opening {
  readonly tenant: string;
  readonly session: string;
  readonly principal: string;
}

/** Everything `step` remembers of a session. A function of the bundle and the inputs so far, and nothing else. */
export interface State {
  readonly opening: Opening | null;
  /** ms since the epoch; max over all inputs that moved the state. */
  readonly time: number;
  readonly environment: Environment;
  readonly epoch: number;
  readonly trace: TraceState;
  readonly flow: FlowState;
  readonly limits: LimitsState;
  /** Calls that somebody has to decide about. */
  readonly holds: HoldsState;
  /** What stands for values that the agent does not see. */
  readonly handles: HandlesState;
  /** Allowed intents without an outcome, by certificate. */
  readonly pending: ReadonlyMap<string, Pending>;
  /** Intents whose outcome is unknown, until something resolves them. */
  readonly ambiguous: ReadonlyMap<string, Pending>;
}

export function initialState(bundle: LoadedBundle): State {
  return {
    opening: null,
    time: 0,
    environment: { enforcement_mode: 'enforce', default_mode: null, overlay: null },
    epoch: 0,
    trace: trace.init(bundle),
    flow: flow.init(),
    limits: limits.init(bundle),
    holds: NO_TICKETS,
    handles: NO_HANDLES,
    pending: new Map(),
    ambiguous: new Map(),
  };
}

/** The session time in ms after which a tick would tell of an obligation that is overdue; undefined while none runs. */
export function nextDeadline(bundle: LoadedBundle, state: State): number | undefined {
  return trace.nextDeadline(bundle, state.trace);
}

/** The digest that certificates carry. Histories enter it by their chains, so its cost does not grow with the session. */
export function stateDigest(bundle: LoadedBundle, state: State): Digest {
  return digestJson(bundle.crypto, {
    bundle: bundle.digest,
    opening: state.opening as unknown as JsonValue,
    time: state.time,
    environment: state.environment as unknown as JsonValue,
    epoch: state.epoch,
    trace: trace.describe(state.trace),
    flow: flow.describe(state.flow),
    limits: limits.describe(state.limits),
    // Bundles without approvals digest as they did before there were any.
    ...(bundle.asksApproval ? { holds: describeTickets(state.holds) } : {}),
    ...(bundle.ir.handles === undefined ? {} : { handles: describeHandles(state.handles) }),
    pending: [...state.pending.keys()],
    ambiguous: [...state.ambiguous.keys()],
  });
}
