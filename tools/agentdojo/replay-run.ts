import {
  type Decision,
  ENFORCED,
  initialState,
  type LoadedBundle,
  type Principal,
  type State,
  step,
  type Trace,
  type TraceEvent,
} from '@provability-fabric/policy';
import type { Call, Run } from './corpus.ts';

const START = Date.UTC(2026, 0, 1);
const TENANT = 'acme';
const SESSION = 'recorded';
const PRINCIPAL = { id: 'assistant', roles: ['assistant'], org: TENANT, tenant: TENANT, attributes: {} };

/** A recorded run as a trace: the prompt, then each call with what came back, a second apart. */
function traceOf(run: Run, session: string): Trace {
  return {
    session,
    principal: PRINCIPAL,
    prompt: run.prompt,
    events: run.calls.map(({ tool, args, result }, index) => ({
      at: START + index * 1000,
      action: { kind: 'call', target: tool, args },
      outcome: 'done',
      result,
      epoch: 1,
    })),
  };
}

/** A point in some recorded session: what the policy knows there, and what has been tried from there. */
interface Point {
  readonly state: State;
  readonly refused: readonly number[];
  readonly next: Map<string, Point>;
}

/**
 * Which calls of recorded runs a policy refuses. `step` itself decides, as it does live; it is pure, and
 * many runs begin alike, so what follows from a beginning is worked out once. A refused call has no result;
 * the run goes on without it.
 */
export class RecordedRuns {
  readonly #bundle: LoadedBundle;
  readonly #openings = new Map<string, Point>();

  constructor(bundle: LoadedBundle) {
    this.#bundle = bundle;
  }

  refusedCalls(run: Run): readonly number[] {
    const { principal, prompt, events } = traceOf(run, SESSION);
    let here = this.#opened(principal.id, prompt ?? '');
    for (const [index, event] of events.entries()) {
      const { tool, args, result } = run.calls[index] as Call;
      const key = JSON.stringify([tool, args, result]);
      const next = here.next.get(key) ?? this.#after(here, index, principal, event);
      here.next.set(key, next);
      here = next;
    }
    return here.refused;
  }

  #opened(principal: string, prompt: string): Point {
    const known = this.#openings.get(prompt);
    if (known !== undefined) return known;
    const opening = {
      at: START,
      tenant: TENANT,
      session: SESSION,
      principal,
      environment: ENFORCED,
      epoch: 1,
    };
    const { state } = step(this.#bundle, initialState(this.#bundle), { kind: 'open', ...opening });
    const prompted = step(this.#bundle, state, { kind: 'prompt', at: START, text: prompt });
    const point: Point = { state: prompted.state, refused: [], next: new Map() };
    this.#openings.set(prompt, point);
    return point;
  }

  #after({ state, refused }: Point, index: number, principal: Principal, event: TraceEvent): Point {
    const { at, action, outcome, result, epoch } = event;
    const call = { at, certificate_id: `${SESSION}:${index}` };
    const intent = {
      kind: 'intent',
      ...call,
      principal,
      capability: null,
      action,
      epoch,
      attributes: {},
    } as const;
    const decided = step(this.#bundle, state, intent);
    if ((decided.output as Decision).effect !== 'allow') {
      return { state: decided.state, refused: [...refused, index], next: new Map() };
    }
    const told = step(this.#bundle, decided.state, { kind: 'outcome', ...call, outcome, result });
    return { state: told.state, refused, next: new Map() };
  }
}
