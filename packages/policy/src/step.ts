import { digestJson } from '@provability-fabric/kernel';
import type { CheckResult, Effect } from '@provability-fabric/statements';
import { authority } from './checks/authority/step.ts';
import type { Check, Event, Finding, OutcomeEvent, Pending } from './checks/check.ts';
import { absolute } from './checks/findings.ts';
import { documentRule, resultLabel } from './checks/flow/labels.ts';
import { flow } from './checks/flow/step.ts';
import { limits } from './checks/limits/step.ts';
import { permit } from './checks/permit/step.ts';
import { trace } from './checks/trace/step.ts';
import { combine } from './combine.ts';
import type { Input, IntentInput, OutcomeInput } from './input.ts';
import { type LoadedBundle, toolRule } from './load-bundle.ts';
import type { CheckName, Decision, Output } from './output.ts';
import { initialState, type State } from './state.ts';

export interface Stepped {
  readonly state: State;
  readonly output: Output;
}

/**
 * The one function (HOUSE): what an input means for a session. Pure and total; the live sidecar, replay, tests and the
 * offline verifier all call it, which is what makes a verdict re-derivable. A blocked intent moves nothing.
 */
export function step(bundle: LoadedBundle, state: State, input: Input): Stepped {
  if (input.kind === 'open') return open(state, input);
  if (state.opening === null) return refused(state, 'expected `open` as the first input of a session');
  switch (input.kind) {
    case 'intent':
      return intent(bundle, state, input);
    case 'outcome':
      return outcome(bundle, state, input);
    case 'prompt':
      return noted(state, input, { flow: flow.onPrompt(bundle, state.flow, input.text) });
    case 'mode':
      return noted(state, input, { environment: input.environment });
    case 'epoch':
      if (input.epoch < state.epoch)
        return refused(state, `expected an epoch of at least ${state.epoch}, came ${input.epoch}`);
      return noted(state, input, { epoch: input.epoch });
    case 'tick':
      return tick(bundle, state, input);
  }
}

function noted(state: State, input: Input, change: Partial<State>): Stepped {
  return { state: { ...state, ...change, time: Math.max(state.time, input.at) }, output: { kind: 'noted' } };
}

/** Says which obligations are overdue from now on. */
function tick(bundle: LoadedBundle, state: State, input: Extract<Input, { kind: 'tick' }>): Stepped {
  const time = Math.max(state.time, input.at);
  const { overdue, next } = trace.onTick(bundle, state.trace, time);
  return { state: { ...state, trace: next, time }, output: { kind: 'ticked', overdue } };
}

function refused(state: State, problem: string): Stepped {
  return { state, output: { kind: 'refused', problem } };
}

function open(state: State, input: Extract<Input, { kind: 'open' }>): Stepped {
  if (state.opening !== null) return refused(state, 'the session is open already');
  const { tenant, session, principal, environment, epoch } = input;
  return noted(state, input, { opening: { tenant, session, principal }, environment, epoch });
}

function intent(bundle: LoadedBundle, state: State, input: IntentInput): Stepped {
  const time = Math.max(state.time, input.at);
  const event = eventOf(bundle, state, input, time);
  const { findings, releases, next } = rule(bundle, state, event);
  const combined = combine(bundle.ir, state.environment, findings);
  const decision: Decision = {
    kind: 'decision',
    ...combined,
    checks: [...combined.checks, ...releases.map(usedRelease)],
    releases,
    args_digest: digestJson(bundle.crypto, input.action.args),
    label: state.flow.label,
    expired: expiredClauses(bundle, time),
  };
  return { state: combined.effect === 'allow' ? next : state, output: decision };
}

/** Each use of a release is certified: as a check of its own that found nothing wrong. */
function usedRelease(clause: string): CheckResult {
  return { check: `release:${clause}`, verdict: 'accept' };
}

type Run = <S>(name: CheckName, check: Check<S>, before: S) => S;

/** All checks over one event: everything they found, and the state if the event goes ahead. */
function rule(bundle: LoadedBundle, state: State, event: Event) {
  const findings: (readonly [CheckName, Finding])[] = [];
  const releases: string[] = [];
  const run = runner(bundle, state, event, findings, releases);
  run('authority', authority, null);
  run('permit', permit, null);
  const next = movedBy(bundle, state, event, run);
  for (const finding of onceFindings(state, event)) findings.push(['trace', finding]);
  return { findings, releases, next };
}

function runner(
  bundle: LoadedBundle,
  state: State,
  event: Event,
  findings: (readonly [CheckName, Finding])[],
  releases: string[],
): Run {
  const facts = {
    ...(state.opening as NonNullable<State['opening']>),
    epoch: state.epoch,
    label: state.flow.label,
  };
  return (name, check, before) => {
    try {
      const ruling = check.onIntent(bundle, facts, before, event);
      for (const finding of ruling.findings) findings.push([name, finding]);
      releases.push(...(ruling.releases ?? []));
      return ruling.next;
    } catch (error) {
      // Error means deny, whatever broke: no clause owns it, so no mode weakens it.
      findings.push([name, { ...absolute('EVAL_ERROR', { problem: String(error) }), verdict: 'error' }]);
      return before;
    }
  };
}

/** The state if the event goes ahead: only these checks have any of their own. */
function movedBy(bundle: LoadedBundle, state: State, event: Event, run: Run): State {
  const moved = {
    trace: run('trace', trace, state.trace),
    flow: run('flow', flow, state.flow),
    limits: run('limits', limits, state.limits),
  };
  const pending = new Map(state.pending).set(event.intent.certificate_id, pendingOf(bundle, event));
  return { ...state, ...moved, time: event.time, pending };
}

/**
 * A session's state under another bundle: what was recorded is taken as having happened, whatever the new bundle would
 * have said of it, since an automaton that forgot what was done could be walked around by changing bundles.
 */
export function refold(bundle: LoadedBundle, history: readonly RecordedInput[]): State {
  return history.reduce((state, recorded) => refoldInput(bundle, state, recorded), initialState(bundle));
}

/** The next state of `refold`. */
export function refoldInput(bundle: LoadedBundle, state: State, { input, effect }: RecordedInput): State {
  if (input.kind !== 'intent') return step(bundle, state, input).state;
  if (effect !== 'allow') return state;
  const event = eventOf(bundle, state, input, Math.max(state.time, input.at));
  // What the others would say of it moves nothing, and is the dearest part of a step.
  return movedBy(bundle, state, event, runner(bundle, state, event, [], []));
}

export interface RecordedInput {
  readonly input: Input;
  /** What the certificate of an intent said; absent for other inputs. */
  readonly effect?: Effect;
}

function eventOf(bundle: LoadedBundle, state: State, input: IntentInput, time: number): Event {
  const { kind, target } = input.action;
  const { label } = state.flow;
  if (kind === 'read') {
    const known = documentRule(bundle.ir.documents, target) !== undefined;
    return { intent: input, time, tool: undefined, effect: known ? 'read' : undefined, label };
  }
  const tool = toolRule(bundle.ir, target);
  return { intent: input, time, tool, effect: tool?.effect, label };
}

function pendingOf(bundle: LoadedBundle, event: Event): Pending {
  const { action, principal } = event.intent;
  return {
    target: action.target,
    once: event.tool?.once ?? false,
    tenant: principal.tenant,
    ...resultLabel(bundle, event),
  };
}

/** A `once` tool is not sent again while an earlier sending may or may not have happened. No mode weakens this. */
function* onceFindings(state: State, event: Event): Generator<Finding> {
  if (!event.tool?.once) return;
  for (const [certificate, { target }] of state.ambiguous) {
    if (target === event.intent.action.target)
      yield absolute('OUTCOME_AMBIGUOUS', { unresolved: certificate });
  }
}

function outcome(bundle: LoadedBundle, state: State, input: OutcomeInput): Stepped {
  const { certificate_id: certificate } = input;
  const waiting = state.pending.get(certificate);
  const earlier = waiting ?? state.ambiguous.get(certificate);
  if (earlier === undefined || (waiting === undefined && input.outcome === 'ambiguous')) {
    return refused(state, 'expected the outcome of an allowed action that has none yet');
  }
  const digest = input.result === null ? null : digestJson(bundle.crypto, input.result);
  const event: OutcomeEvent = { certificate, pending: earlier, outcome: input.outcome, result: input.result };
  const pending = without(state.pending, certificate);
  const ambiguous = without(state.ambiguous, certificate);
  if (input.outcome === 'ambiguous') ambiguous.set(certificate, earlier);
  const time = Math.max(state.time, input.at);
  const read = flow.onOutcome(bundle, state.flow, event, digest);
  const next = {
    ...state,
    time,
    pending,
    ambiguous,
    trace: trace.onOutcome(bundle, state.trace, event, time),
    flow: read.next,
  };
  const output = {
    kind: 'settled',
    result_digest: digest,
    result_label: read.label,
    label: next.flow.label,
  } as const;
  return { state: next, output };
}

function without(map: ReadonlyMap<string, Pending>, key: string): Map<string, Pending> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}

function expiredClauses(bundle: LoadedBundle, time: number): readonly string[] {
  return bundle.expiring.filter((clause) => time > (clause.expires as number)).map((clause) => clause.id);
}
